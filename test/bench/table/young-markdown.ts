import { markdownTable, tableOrNothing } from "../measure/markdown-table.ts";
import { show } from "../measure/show.ts";
import type { RowFigures } from "./figures.ts";
import type { TableResult } from "./run.ts";

/** The curve of warmth: what a request costs a process that was just started; nothing of a run that did not measure it. */
export function warmthMarkdown({ plan, rows }: TableResult, figures: readonly RowFigures[]): string {
  const warming = rows.filter(({ name, warmth }) => name !== "direct" && warmth !== undefined);
  const ends = [...new Set(warming.flatMap(({ warmth }) => warmth?.steps.map(({ upTo }) => upTo) ?? []))].toSorted(
    (a, b) => a - b,
  );
  const lines = warming.map(({ name, warmth }) => {
    const ratio = figures.find((row) => row.name === name)?.firstToWarm;
    return [
      name,
      ...ends.map((end) => warmth?.steps.find(({ upTo }) => upTo === end)?.cpuMs.toFixed(3) ?? "-"),
      ratio === undefined ? "-" : show(ratio, 2),
    ];
  });
  if (lines.length === 0) return "";
  const title = [
    `after a start, c = ${plan.concurrency}: CPU-ms/request`,
    ...ends.map((end, at) => `${at === 0 ? "first" : "to"} ${end.toLocaleString("en")}`),
    `first ${plan.firstRequests.toLocaleString("en")} : warm`,
  ];
  return markdownTable(title, lines);
}

/** What a crowd of new connections waits; nothing of a run without one. */
export function freshMarkdown({ plan }: TableResult, figures: readonly RowFigures[]): string {
  const lines = figures.flatMap(({ name, freshP50Ms, freshP99Ms, freshP99ToP50 }) =>
    name === "direct" || freshP50Ms === undefined || freshP99Ms === undefined || freshP99ToP50 === undefined
      ? []
      : [[name, show(freshP50Ms, 0), show(freshP99Ms, 0), show(freshP99ToP50, 1)]],
  );
  return tableOrNothing(
    [`${plan.freshClients} clients, a new connection each time`, "p50 ms", "p99 ms", "p99 : p50"],
    lines,
  );
}
