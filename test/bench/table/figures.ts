import { type Figure, figure, ratio } from "../measure/stats.ts";
import type { SubjectName } from "../subjects/subject.ts";
import type { CpuByProcess, Round } from "./rounds.ts";
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
  readonly generatorBusy: Figure;
}

/** CPU of all processes in a record. */
export function sum(cpu: CpuByProcess): number {
  return Object.values(cpu).reduce((total, used) => total + used, 0);
}

/** The figures of a row; differences are taken round by round against `direct`. */
export function figuresOf(row: Row, direct: Row): RowFigures {
  const of = (value: (round: Round) => number): Figure => figure(row.rounds.map(value));
  const over = (value: (round: Round) => number): Figure =>
    figure(row.rounds.map((round, index) => value(round) - value(direct.rounds[index] ?? round)));
  const memory = (isDatabase: boolean) => (round: Round) =>
    sum(Object.fromEntries(Object.entries(round.memoryMb).filter(([name]) => (name === "postgres") === isDatabase)));
  return {
    name: row.name,
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

/** The ratios of our rows to floor and peer. */
export function ratiosOf({ rows }: TableResult): Ratios[] {
  const found: Ratios[] = [];
  for (const row of rows.filter(({ books }) => books !== undefined)) {
    for (const other of rows.filter(
      ({ name }) => name === "floor" || name === "peer" || name === `${row.name}-before`,
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

/** A target of the house and how it came out. */
export interface Target {
  readonly text: string;
  readonly limit: number;
  readonly is: number;
  readonly met: boolean;
}

/** The targets that the table can judge (the one of slow readers is among the growth curves). */
export function targetsOf(result: TableResult): Target[] {
  const direct = result.rows.find(({ name }) => name === "direct");
  if (direct === undefined) return [];
  const targets: Target[] = [];
  const most = (text: string, is: number, limit: number): void => {
    targets.push({ text, limit, is, met: is <= limit });
  };
  const ratios = ratiosOf(result);
  for (const name of ["up", "mesh"] as const) {
    const row = result.rows.find((one) => one.name === name);
    if (row === undefined) continue;
    const figures = figuresOf(row, direct);
    most(`${name}: CPU-ms a request at most`, figures.cpuMs.median, name === "up" ? 0.25 : 0.4);
    most(
      `${name}: CPU-ms a request with PostgreSQL at most`,
      figures.cpuWithDatabaseMs.median,
      name === "up" ? 0.35 : 0.5,
    );
    const toPeer = ratios.find((one) => one.name === name && one.to === "peer")?.perSecond.median;
    if (toPeer !== undefined)
      targets.push({ text: `${name}: requests/s, times the peer's, at least`, limit: 3, is: toPeer, met: toPeer >= 3 });
    most(`${name}: added latency p50, ms, at most`, figures.addedP50Ms.median, 2);
    most(`${name}: added latency p99, ms, at most`, figures.addedP99Ms.median, 8);
    const toFloor = ratios.find((one) => one.name === name && one.to === "floor")?.streamCpu.median;
    if (toFloor !== undefined) most(`${name}: CPU of a stream, times the floor's, at most`, toFloor, 1.5);
    most(`${name}: first byte of a stream over direct, ms, at most`, figures.firstByteAddedMs.median, 5);
    if (name === "up") most("up: cold start to the first answer, s, at most", figures.startMs.median / 1_000, 3);
  }
  return targets;
}
