import { machineText } from "../measure/machine.ts";
import { markdownTable } from "../measure/markdown-table.ts";
import type { Curve } from "./curves.ts";

/** How each value is called and shown. */
const columns: Readonly<Record<string, { readonly title: string; readonly digits: number }>> = {
  perSecond: { title: "requests/s", digits: 0 },
  p50Ms: { title: "p50 ms", digits: 1 },
  p99Ms: { title: "p99 ms", digits: 1 },
  cpuMs: { title: "CPU-ms/request", digits: 3 },
  cpuWithDatabaseMs: { title: "with PostgreSQL", digits: 3 },
  memoryMb: { title: "memory MB", digits: 0 },
  kbPerStream: { title: "kB a stream", digits: 1 },
  cores: { title: "cores busy", digits: 2 },
  probeP50Ms: { title: "p50 of a 20 ms request beside, ms", digits: 1 },
  probeP99Ms: { title: "p99", digits: 1 },
  aloneP50Ms: { title: "50 usual streams alone: p50 ms", digits: 0 },
  besideP50Ms: { title: "beside: p50 ms", digits: 0 },
  startMs: { title: "start ms", digits: 0 },
};

/** The numbers of a curve, with their date and machine. */
export function curveMarkdown({ machine, points }: Curve): string {
  const shown = Object.keys(columns).filter((name) => points.some(({ values }) => values[name] !== undefined));
  const head = ["", "at", ...shown.map((name) => columns[name]?.title ?? name)];
  const rows = points
    .toSorted((a, b) => order(points, a.series) - order(points, b.series) || a.x - b.x)
    .map(({ series, x, values }) => [
      series,
      x.toLocaleString("en"),
      ...shown.map((name) => values[name]?.toFixed(columns[name]?.digits ?? 1) ?? "-"),
    ]);
  return `${machineText(machine)}\n\n${markdownTable(head, rows)}`;
}

function order(points: Curve["points"], series: string): number {
  return points.findIndex((point) => point.series === series);
}
