import { type Figure, figure, ratio } from "../measure/stats.ts";
import type { SubjectName } from "../subjects/subject.ts";
import { sum } from "./measured.ts";
import type { Round } from "./rounds.ts";
import type { Row, TableResult } from "./run.ts";

/** The figures of one row. */
export interface RowFigures {
  readonly name: SubjectName;
  readonly perSecond: Figure;
  readonly p50Ms: Figure;
  readonly p99Ms: Figure;
  /** CPU-ms a request of its processes, and with its database's. */
  readonly cpuMs: Figure;
  readonly cpuWithDatabaseMs: Figure;
  readonly addedP50Ms: Figure;
  readonly addedP99Ms: Figure;
  readonly streamCpuMs: Figure;
  readonly streamCpuWithDatabaseMs: Figure;
  readonly firstByteAddedMs: Figure;
  readonly streamAddedMs: Figure;
  readonly memoryMb: Figure;
  readonly databaseMemoryMb: Figure;
  readonly startMs: Figure;
  /** CPU of the first requests after a start, times that of the warm ones; undefined: not measured. */
  readonly firstToWarm: Figure | undefined;
  /** Latency of 256 clients that make a connection for each request; undefined: not measured. */
  readonly freshP50Ms: Figure | undefined;
  readonly freshP99Ms: Figure | undefined;
  readonly freshP99ToP50: Figure | undefined;
  readonly generatorBusy: Figure;
}

/** The figures of a row; differences are taken round by round against `direct`. */
export function figuresOf(row: Row, direct: Row): RowFigures {
  const of = (value: (round: Round) => number): Figure => figure(row.rounds.map(value));
  const over = (value: (round: Round) => number): Figure =>
    figure(row.rounds.map((round, index) => value(round) - value(direct.rounds[index] ?? round)));
  const memory = (isDatabase: boolean) => (round: Round) =>
    sum(Object.fromEntries(Object.entries(round.memoryMb).filter(([name]) => (name === "postgres") === isDatabase)));
  const { warmth } = row;
  const fresh = row.rounds.flatMap((round) => round.fresh ?? []);
  const ofFresh = (value: (one: (typeof fresh)[number]) => number): Figure | undefined =>
    fresh.length === 0 ? undefined : figure(fresh.map(value));
  return {
    name: row.name,
    firstToWarm: warmth === undefined ? undefined : of(({ load }) => warmth.firstMs / sum(load.cpuMs)),
    freshP50Ms: ofFresh(({ p50Ms }) => p50Ms),
    freshP99Ms: ofFresh(({ p99Ms }) => p99Ms),
    freshP99ToP50: ofFresh(({ p50Ms, p99Ms }) => p99Ms / p50Ms),
    perSecond: of(({ load }) => load.perSecond),
    p50Ms: of(({ load }) => load.p50Ms),
    p99Ms: of(({ load }) => load.p99Ms),
    cpuMs: of(({ load }) => sum(load.cpuMs)),
    cpuWithDatabaseMs: of(({ load }) => sum(load.cpuMs) + load.databaseCpuMs),
    addedP50Ms: over(({ rate }) => rate.p50Ms),
    addedP99Ms: over(({ rate }) => rate.p99Ms),
    streamCpuMs: of(({ streams }) => sum(streams.cpuMs)),
    streamCpuWithDatabaseMs: of(({ streams }) => sum(streams.cpuMs) + streams.databaseCpuMs),
    firstByteAddedMs: over(({ streams }) => streams.firstByteP50Ms),
    streamAddedMs: over(({ streams }) => streams.totalP50Ms),
    memoryMb: of(memory(false)),
    databaseMemoryMb: of(memory(true)),
    startMs: figure(row.startMs),
    generatorBusy: of(({ load }) => load.generatorBusy),
  };
}

/** Ratios of one row to another, median with spread over the rounds. */
export interface Ratios {
  readonly name: SubjectName;
  readonly to: SubjectName;
  readonly perSecond: Figure;
  readonly cpu: Figure;
  readonly cpuWithDatabase: Figure;
  readonly streamCpu: Figure;
}

/** The ratios of our rows to floor and peer, of five processes to one, and to another checkout. */
export function ratiosOf({ rows }: TableResult): Ratios[] {
  const found: Ratios[] = [];
  for (const row of rows.filter(({ books }) => books !== undefined)) {
    for (const other of rows.filter(
      ({ name }) =>
        name === "floor" ||
        name === "peer" ||
        name === "litellm" ||
        (name === "up" && row.name === "mesh") ||
        name === `${row.name}-before`,
    )) {
      const by = (value: (round: Round) => number): Figure => ratio(row.rounds.map(value), other.rounds.map(value));
      found.push({
        name: row.name,
        to: other.name,
        perSecond: by(({ load }) => load.perSecond),
        cpu: by(({ load }) => sum(load.cpuMs)),
        cpuWithDatabase: by(({ load }) => sum(load.cpuMs) + load.databaseCpuMs),
        streamCpu: by(({ streams }) => sum(streams.cpuMs)),
      });
    }
  }
  return found;
}
