import { machineText } from "../measure/machine.ts";
import { markdownTable } from "../measure/markdown-table.ts";
import type { TableResult } from "./run.ts";
import { targetsOf } from "./targets.ts";

/** The targets and how a run came out, by themselves; nothing where it had no rows that they are about. */
export function targetsMarkdown(result: TableResult): string {
  const rows = targetsOf(result).map(({ text, limit, is, met }) => [
    text,
    String(limit),
    is.toFixed(3),
    met ? "met" : "MISSED",
  ]);
  if (rows.length === 0) return "";
  const about = `${machineText(result.machine)} Ratios are medians of ${result.plan.rounds} rounds.`;
  return `${about}\n\n${markdownTable(["target", "at", "is", ""], rows)}`;
}
