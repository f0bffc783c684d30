import { parse, View } from "vega";
import { compile, type TopLevelSpec } from "vega-lite";
import type { Curve, CurveName } from "./curves.ts";

/** A panel of a picture: one value against the question's x. */
interface Panel {
  readonly value: string;
  readonly title: string;
  readonly log?: boolean;
}

interface Picture {
  readonly title: string;
  readonly x: string;
  readonly panels: readonly Panel[];
}

const pictures: Record<CurveName, Picture> = {
  concurrency: {
    title: "Requests at a time",
    x: "requests at a time",
    panels: [
      { value: "perSecond", title: "requests a second", log: true },
      { value: "p50Ms", title: "p50, ms", log: true },
      { value: "p99Ms", title: "p99, ms", log: true },
    ],
  },
  streams: {
    title: "Open streams, a chunk a second each",
    x: "open streams",
    panels: [
      { value: "memoryMb", title: "memory without PostgreSQL, MB", log: true },
      { value: "cores", title: "cores busy" },
      { value: "probeP99Ms", title: "p99 of a 20 ms request beside them, ms", log: true },
    ],
  },
  "slow-readers": {
    title: "Streams whose clients do not read",
    x: "unread streams",
    panels: [
      { value: "kbPerStream", title: "memory a stream, kB", log: true },
      { value: "besideP50Ms", title: "p50 of 50 usual streams beside them, ms" },
    ],
  },
  keys: {
    title: "Keys, drawn at random, c = 64",
    x: "keys",
    panels: [
      { value: "perSecond", title: "requests a second" },
      { value: "cpuWithDatabaseMs", title: "CPU-ms a request with PostgreSQL" },
      { value: "p50Ms", title: "p50, ms" },
    ],
  },
  channels: {
    title: "Channels, c = 64",
    x: "channels",
    panels: [
      { value: "perSecond", title: "requests a second" },
      { value: "cpuMs", title: "CPU-ms a request without PostgreSQL" },
      { value: "startMs", title: "start to the first answer, ms" },
    ],
  },
  kinds: {
    title: "Kinds of work beside chat",
    x: "requests at a time",
    panels: [
      { value: "perSecond", title: "requests a second", log: true },
      { value: "cpuMs", title: "CPU-ms a request without PostgreSQL", log: true },
      { value: "p50Ms", title: "p50, ms", log: true },
    ],
  },
  accounts: {
    title: "One hot account against many",
    x: "accounts",
    panels: [
      { value: "perSecond", title: "requests a second" },
      { value: "cpuWithDatabaseMs", title: "CPU-ms a request with PostgreSQL" },
      { value: "p99Ms", title: "p99, ms" },
    ],
  },
};

/** Draws a curve as SVG, with the date and the machine under its title. */
export async function draw(name: CurveName, { machine, points }: Curve): Promise<string> {
  const { title, x, panels } = pictures[name];
  const xs = [...new Set(points.map((point) => point.x))].sort((a, b) => a - b);
  const values = points.map((point) => ({ series: point.series, x: point.x, ...point.values }));
  const spec: TopLevelSpec = {
    $schema: "https://vega.github.io/schema/vega-lite/v6.json",
    background: "white",
    padding: 12,
    title: { text: title, subtitle: `${machine.date}, ${machine.cores} cores of ${machine.cpu}, Node ${machine.node}` },
    data: { values },
    hconcat: panels.map(({ value, title: label, log }) => ({
      width: 250,
      height: 200,
      mark: { type: "line", point: true, strokeWidth: 1.5 },
      encoding: {
        x: {
          field: "x",
          type: "quantitative",
          title: x,
          scale: { type: "log", nice: false },
          axis: { values: xs, format: "~s", labelOverlap: true, grid: false },
        },
        y: {
          field: value,
          type: "quantitative",
          title: label,
          scale: log === true ? { type: "log" } : { zero: true },
          axis: { format: "~s", tickCount: 6 },
        },
        color: {
          field: "series",
          type: "nominal",
          title: null,
          sort: [...new Set(points.map(({ series }) => series))],
        },
      },
    })),
    config: { font: "sans-serif", view: { stroke: null }, legend: { orient: "bottom" } },
  };
  const view = new View(parse(compile(spec).spec), { renderer: "none" });
  const svg = await view.toSVG();
  view.finalize();
  return `${svg}\n`;
}
