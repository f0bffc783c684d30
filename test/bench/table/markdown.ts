import { machineText } from "../measure/machine.ts";
import { tableOrNothing as table } from "../measure/markdown-table.ts";
import { show } from "../measure/show.ts";
import type { Figure } from "../measure/stats.ts";
import { countsMarkdown } from "./counts-markdown.ts";
import { figuresOf, ratiosOf } from "./figures.ts";
import type { CpuByProcess } from "./measured.ts";
import type { Row, TableResult } from "./run.ts";
import { freshMarkdown, warmthMarkdown } from "./young-markdown.ts";

/** The whole result as Markdown: for a terminal, and for docs/performance.md. */
export function markdown(result: TableResult): string {
  const { machine, plan, rows } = result;
  const direct = rows.find(({ name }) => name === "direct");
  if (direct === undefined) throw new Error("without `direct` there is nothing to compare with");
  const figures = rows.map((row) => figuresOf(row, direct));
  return [
    `${machineText(machine)} ` +
      `Load, upstream and everything measured share the cores. ${plan.warmUp.toLocaleString("en")} requests of warm-up each, ${plan.rounds} interleaved rounds, ` +
      `600-byte answers. Median (lowest to highest round).`,
    table(
      [
        `c = ${plan.concurrency}`,
        "CPU-ms/request",
        "with PostgreSQL",
        "requests/s",
        "p50 ms",
        "p99 ms",
        "memory MB",
        "+ PostgreSQL",
        "start s",
      ],
      figures.map((row) => [
        row.name,
        row.name === "direct" ? "-" : show(row.cpuMs, 3),
        hasBooks(rows, row.name) ? show(row.cpuWithDatabaseMs, 3) : "-",
        show(row.perSecond, 0),
        show(row.p50Ms, 1),
        show(row.p99Ms, 1),
        row.name === "direct" ? "-" : row.memoryMb.median.toFixed(0),
        hasBooks(rows, row.name) ? row.databaseMemoryMb.median.toFixed(0) : "-",
        Number.isNaN(row.startMs.median) ? "-" : show(scale(row.startMs, 1 / 1_000), 2),
      ]),
    ),
    table(
      [
        "",
        `added at ${plan.rate}/s to 20 ms: p50`,
        "p99",
        `${plan.streams} streams out of step, 100 chunks at 5 ms: CPU-ms/stream`,
        "with PostgreSQL",
        "first byte over direct ms",
        "total over direct ms",
      ],
      figures
        .filter(({ name }) => name !== "direct")
        .map((row) => [
          row.name,
          show(row.addedP50Ms, 2),
          show(row.addedP99Ms, 2),
          show(row.streamCpuMs, 2),
          hasBooks(rows, row.name) ? show(row.streamCpuWithDatabaseMs, 2) : "-",
          show(row.firstByteAddedMs, 2),
          show(row.streamAddedMs, 1),
        ]),
    ),
    warmthMarkdown(result, figures),
    freshMarkdown(result, figures),
    table(
      ["ratios", "requests/s", "CPU a request", "with PostgreSQL", "CPU a stream"],
      ratiosOf(result).map(({ name, to, ...of }) => [
        `${name} : ${to}`,
        show(of.perSecond, 2),
        show(of.cpu, 2),
        show(of.cpuWithDatabase, 2),
        show(of.streamCpu, 2),
      ]),
    ),
    table(
      [`CPU-us/request at c = ${plan.concurrency}, last round`, "by process"],
      rows.filter(({ books }) => books !== undefined).map((row) => [row.name, processes(row)]),
    ),
    ...countsMarkdown(result.counts),
    `What the rows are, and what they leave off:\n\n${rows
      .map(({ name, what, leavesOff }) => `- **${name}**: ${what}. Leaves off: ${leavesOff}.`)
      .join("\n")}`,
    generator(result),
    books(rows),
  ]
    .filter((part) => part !== "")
    .join("\n\n");
}

/** Whether the load generator held anything back. */
function generator({ rows, secondOpinion, plan }: TableResult): string {
  const median = (name: string, of: (row: Row) => number[]): number => {
    const row = rows.find((one) => one.name === name);
    return row === undefined ? Number.NaN : (of(row).sort((a, b) => a - b)[row.rounds.length >> 1] ?? Number.NaN);
  };
  const busiest = Math.max(
    ...rows
      .filter(({ name }) => name !== "direct")
      .flatMap(({ rounds }) => rounds.map(({ load }) => load.generatorBusy)),
  );
  const ceiling = median("direct", ({ rounds }) => rounds.map(({ load }) => load.perSecond));
  const own = rows
    .filter(({ name }) => name !== "direct")
    .flatMap(({ rounds }) => rounds.map(({ load }) => load.perSecond));
  const verdict = busiest < 0.8 ? "It is not the bottleneck." : "IT MAY BE THE BOTTLENECK.";
  const other =
    secondOpinion === undefined
      ? ""
      : ` A second opinion on up, with autocannon 9 at c = ${plan.concurrency}: ${secondOpinion.perSecond.toFixed(0)} requests/s, ` +
        `p50 ${secondOpinion.p50Ms} ms, p99 ${secondOpinion.p99Ms} ms (it takes more CPU from the same cores).`;
  return (
    `The load generator: one process, its thread busy for at most ${(busiest * 100).toFixed(0)} % of any row's time but direct's; ` +
    `against the upstream alone it reaches ${ceiling.toFixed(0)} requests/s, ${(ceiling / Math.max(...own)).toFixed(1)} times the quickest row. ${verdict}${other}`
  );
}

/** Whether what was served is on the books. */
function books(rows: readonly Row[]): string {
  return rows
    .flatMap(({ name, books: found }) => {
      if (found === undefined) return [];
      const whole = found.balanced && found.charges === found.served && found.records === found.served;
      return `Books of ${name}: ${found.served} answers served, ${found.charges} charges in the ledger, ${found.records} records in the history; audit ${found.balanced ? "sound" : "NOT SOUND"}.${whole ? "" : " THEY DO NOT AGREE."}`;
    })
    .join("\n");
}

function processes({ rounds }: Row): string {
  const last = rounds.at(-1);
  if (last === undefined) return "";
  const all: CpuByProcess = { ...last.load.cpuMs, postgres: last.load.databaseCpuMs };
  return Object.entries(all)
    .map(([name, ms]) => `${name} ${(ms * 1_000).toFixed(0)}`)
    .join(", ");
}

function hasBooks(rows: readonly Row[], name: string): boolean {
  return rows.some((row) => row.name === name && row.books !== undefined);
}

function scale({ median, low, high, rounds }: Figure, by: number): Figure {
  return { median: median * by, low: low * by, high: high * by, rounds: rounds.map((value) => value * by) };
}
