import { ratio } from "../measure/stats.ts";
import type { SubjectName } from "../subjects/subject.ts";
import { figuresOf, type Ratios, type RowFigures, ratiosOf } from "./figures.ts";
import type { TableResult } from "./run.ts";

/** A target of the house and how it came out. */
export interface Target {
  readonly text: string;
  readonly limit: number;
  readonly is: number;
  readonly met: boolean;
}

/** A ratio of two rows, and its bound. */
type RatioTarget = readonly [
  name: SubjectName,
  to: SubjectName,
  of: keyof Omit<Ratios, "name" | "to">,
  atMost: boolean,
  limit: number,
];

const ratioTargets: readonly RatioTarget[] = [
  ["mesh", "mesh-before", "cpu", true, 0.7],
  ["mesh", "up", "cpu", true, 1.45],
  ["mesh", "peer", "cpu", true, 0.8],
  ["up", "peer", "cpuWithDatabase", true, 0.65],
  ["up", "peer", "perSecond", false, 2],
  ["mesh", "peer", "perSecond", false, 1.5],
  ["up", "floor", "streamCpu", true, 1.5],
  ["mesh", "floor", "streamCpu", true, 2.1],
];

const ratioTitles: Readonly<Record<RatioTarget[2], string>> = {
  cpu: "CPU a request",
  cpuWithDatabase: "CPU a request with PostgreSQL",
  perSecond: "requests/s",
  streamCpu: "CPU of a stream",
};

/** A figure of one row, and the most that it may be. */
type FigureTarget = readonly [name: SubjectName, of: keyof RowFigures, text: string, limit: number];

const figureTargets: readonly FigureTarget[] = [
  ["up", "addedP50Ms", "added latency p50 at the low rate, ms", 2],
  ["mesh", "addedP50Ms", "added latency p50 at the low rate, ms", 2.6],
  ["up", "firstToWarm", "CPU of the first requests, times that of warm ones", 1.3],
  ["up", "freshP99ToP50", "p99 : p50 of clients with new connections", 3],
];

/** p99 of `mesh` at the low rate, times the floor's. */
const lateLimit = 3;

/** kB of `up` for an open stream that nobody reads. */
const unreadLimit = 150;

/** The targets that a run can judge. Of rows and measures that were left out it says nothing. */
export function targetsOf(result: TableResult): Target[] {
  const direct = result.rows.find(({ name }) => name === "direct");
  if (direct === undefined) return [];
  const ratios = ratiosOf(result);
  const targets: Target[] = [];
  const add = (text: string, is: number | undefined, atMost: boolean, limit: number): void => {
    if (is === undefined) return;
    const met = atMost ? is <= limit : is >= limit;
    targets.push({ text: `${text}, at ${atMost ? "most" : "least"}`, limit, is, met });
  };
  for (const [name, to, of, atMost, limit] of ratioTargets) {
    const found = ratios.find((one) => one.name === name && one.to === to);
    add(`${name} : ${to}, ${ratioTitles[of]}`, found?.[of].median, atMost, limit);
  }
  const rowOf = (wanted: SubjectName) => result.rows.find(({ name }) => name === wanted);
  for (const [name, of, text, limit] of figureTargets) {
    const row = rowOf(name);
    const value = row === undefined ? undefined : figuresOf(row, direct)[of];
    add(`${name}: ${text}`, typeof value === "object" ? value.median : undefined, true, limit);
  }
  const [mesh, floor] = [rowOf("mesh"), rowOf("floor")];
  if (mesh !== undefined && floor !== undefined) {
    const late = ratio(
      mesh.rounds.map(({ rate }) => rate.p99Ms),
      floor.rounds.map(({ rate }) => rate.p99Ms),
    );
    add("mesh : floor, p99 at the low rate", late.median, true, lateLimit);
  }
  const kbOf = (wanted: SubjectName) => result.unread?.find(({ name }) => name === wanted);
  const [up, least] = [kbOf("up"), kbOf("floor")];
  if (up !== undefined) {
    const beside = least === undefined ? "" : ` (the floor: ${least.kbPerStream.toFixed(0)})`;
    const streams = `each of ${up.streams.toLocaleString("en")} streams that nobody reads`;
    add(`up: kB of ${streams}${beside}`, up.kbPerStream, true, unreadLimit);
  }
  return targets;
}
