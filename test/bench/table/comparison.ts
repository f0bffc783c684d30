import { machineText } from "../measure/machine.ts";
import { markdownTable } from "../measure/markdown-table.ts";
import type { Figure } from "../measure/stats.ts";
import { type Ratios, ratiosOf } from "./figures.ts";
import type { TableResult } from "./run.ts";

const columns = [
  ["perSecond", "requests/s"],
  ["cpu", "CPU a request"],
  ["cpuWithDatabase", "with PostgreSQL"],
  ["streamCpu", "CPU a stream"],
] as const;

/**
 * This run's ratios beside published ones, for whoever repeats them on another machine: ratios agree where their spreads
 * (lowest to highest round) touch. Rows that only one of the runs has are left out; nothing where they have none in common.
 */
export function comparison(result: TableResult, published: TableResult): string {
  const before = ratiosOf(published);
  let compared = 0;
  let agreeing = 0;
  const compare = (now: Figure, then: Figure): string => {
    const agrees = touches(now, then);
    compared += 1;
    if (agrees) agreeing += 1;
    return `${now.median.toFixed(2)}, published ${spread(then)}${agrees ? "" : " DIFFERS"}`;
  };
  const rows = ratiosOf(result).flatMap((now: Ratios) => {
    const then = before.find(({ name, to }) => name === now.name && to === now.to);
    if (then === undefined) return [];
    return [[`${now.name} : ${now.to}`, ...columns.map(([column]) => compare(now[column], then[column]))]];
  });
  if (rows.length === 0) return "";
  return [
    "## Beside the published ratios",
    `Published: ${machineText(published.machine)}`,
    markdownTable(["ratios", ...columns.map(([, title]) => title)], rows),
    `${agreeing} of ${compared} ratios agree within their spread.`,
  ].join("\n\n");
}

/** Whether two figures' spreads have a value in common. */
function touches(a: Figure, b: Figure): boolean {
  return a.low <= b.high && b.low <= a.high;
}

function spread({ low, high }: Figure): string {
  return `${low.toFixed(2)} to ${high.toFixed(2)}`;
}
