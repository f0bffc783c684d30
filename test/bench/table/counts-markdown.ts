import { markdownTable } from "../measure/markdown-table.ts";
import type { LaneTally } from "../measure/tally.ts";
import type { CountedLoad, CountedRow } from "./counts.ts";
import { sum } from "./measured.ts";

/** The counts of a run: what a request was at each load, and how many calls a message of each lane bore. Nothing of a run that did not count. */
export function countsMarkdown(rows: readonly CountedRow[] = []): string[] {
  if (rows.length === 0) return [];
  return [requestTable(rows), ...lanesTable(rows)];
}

function requestTable(rows: readonly CountedRow[]): string {
  const head = [
    "a request in counts",
    "requests/s",
    "CPU-us",
    "PostgreSQL's",
    "lane messages",
    "calls a message",
    "statements",
    "transactions",
    "WAL bytes",
    "waits (switches)",
    "PostgreSQL's",
    "reads and writes",
    "bytes written",
  ];
  const lines = rows.flatMap(({ name, loads }) =>
    loads.map((load) => {
      const { requests, tally, database, walBytes } = load;
      const each = (total: number | undefined, digits: number): string =>
        total === undefined ? "-" : (total / requests).toFixed(digits);
      const lanes = Object.values(tally?.lanes ?? {});
      const of = (value: (lane: LaneTally) => number): number | undefined =>
        tally === undefined ? undefined : lanes.reduce((all, lane) => all + value(lane), 0);
      return [
        `${name}, ${loadTitle(load)}`,
        load.perSecond.toFixed(0),
        (sum(load.cpuMs) * 1_000).toFixed(0),
        database === undefined ? "-" : (load.databaseCpuMs * 1_000).toFixed(0),
        each(
          of(({ asked, answered }) => asked + answered),
          2,
        ),
        perMessage(
          of(({ calls }) => calls),
          of(({ asked }) => asked),
        ),
        each(tally?.statements, 3),
        each(tally?.transactions, 3),
        each(walBytes, 0),
        each(load.own.switches, 2),
        each(database?.switches, 2),
        each(load.own.calls, 1),
        each(load.own.writtenBytes, 0),
      ];
    }),
  );
  return markdownTable(head, lines);
}

/** Calls a message, lane by lane. */
function lanesTable(rows: readonly CountedRow[]): string[] {
  const counted = rows.filter(({ loads }) => loads.some(({ tally }) => tally !== undefined));
  // Lanes that only housekeeping uses have far less than a call for each request.
  const names = [
    ...new Set(
      counted.flatMap(({ loads }) =>
        loads.flatMap(({ tally, requests }) =>
          Object.entries(tally?.lanes ?? {}).flatMap(([name, { calls }]) => (calls > requests / 2 ? [name] : [])),
        ),
      ),
    ),
  ].toSorted();
  if (names.length === 0) return [];
  const lines = counted.flatMap(({ name, loads }) =>
    loads.map((load) => [
      `${name}, ${loadTitle(load)}`,
      ...names.map((lane) => perMessage(load.tally?.lanes[lane]?.calls, load.tally?.lanes[lane]?.asked)),
    ]),
  );
  return [markdownTable(["calls a message", ...names], lines)];
}

function loadTitle({ concurrency, fresh }: CountedLoad): string {
  return `c = ${concurrency}${fresh ? ", new connections" : ""}`;
}

function perMessage(calls: number | undefined, messages: number | undefined): string {
  return calls === undefined || messages === undefined || messages === 0 ? "-" : (calls / messages).toFixed(1);
}
