import { join } from "node:path";
import { closedLoop, freshLoop, type LoadResult } from "../load/loads.ts";
import { must } from "../load/must.ts";
import { chatRequest } from "../load/request.ts";
import { type Counters, countProcesses } from "../measure/counters.ts";
import { quiet } from "../measure/proc.ts";
import { since, type Tally } from "../measure/tally.ts";
import { type Counting, prepareCounting } from "../subjects/counting.ts";
import { walBytes } from "../subjects/database.ts";
import type { Ground } from "../subjects/ground.ts";
import type { Subject, SubjectName } from "../subjects/subject.ts";
import type { RunningThroughline } from "../subjects/throughline.ts";
import { type CpuByProcess, scaled, withCpu } from "./measured.ts";
import type { Plan } from "./plan.ts";
import { start } from "./start.ts";
import { warmUpOf } from "./warmth.ts";

/** What the requests of one load were, in counts. */
export interface CountedLoad {
  /** Requests at a time. */
  readonly concurrency: number;
  /** True: each over a connection of its own. */
  readonly fresh: boolean;
  readonly requests: number;
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** CPU-ms a request. */
  readonly cpuMs: CpuByProcess;
  readonly databaseCpuMs: number;
  /** What the kernel counted of the row's processes, and of its database's; of all requests together. */
  readonly own: Counters;
  readonly database?: Counters;
  /** Messages and statements of all requests together, and the bytes that the database wrote to its log. */
  readonly tally?: Tally;
  readonly walBytes?: number;
}

/** The counts of one row, load by load. */
export interface CountedRow {
  readonly name: SubjectName;
  readonly loads: readonly CountedLoad[];
}

/** Rows without counts: the upstream alone, those that differ in their spans only, and one whose start takes longer than all counts. */
const uncounted: readonly SubjectName[] = ["direct", "litellm", "up-traced", "mesh-traced"];

/** Counts what a request of each row is, one load after the other. Each row is started anew, so that nothing counts in those that are timed. */
export async function runCounts(ground: Ground, plan: Plan, say: (text: string) => void): Promise<CountedRow[]> {
  const rows: CountedRow[] = [];
  for (const name of plan.subjects.filter((one) => !uncounted.includes(one))) {
    say(`counting ${name}`);
    const dataFolder = join(ground.folder, `counted-${name}`);
    const counting = await prepareCounting(join(ground.folder, `counts-${name}`));
    const one = { starts: 0, before: plan.before };
    const subject = await start(name, ground, one, say, { env: counting.env, dataFolder });
    const loads = await Promise.race([countRow(subject, plan, counting), subject.ended]);
    await subject.stop();
    rows.push({ name, loads });
  }
  return rows;
}

async function countRow(subject: Subject | RunningThroughline, plan: Plan, counting: Counting): Promise<CountedLoad[]> {
  const request = chatRequest(subject.target, { kind: "answer", delayMs: 0 });
  const kept = (concurrency: number, until: Parameters<typeof closedLoop>[2]) =>
    closedLoop(subject.target, concurrency, until, () => request);
  must(subject, await kept(plan.concurrency, { count: warmUpOf(subject, plan) }));
  const loads: CountedLoad[] = [];
  for (const concurrency of [1, plan.concurrency, plan.freshClients])
    loads.push(await counted(subject, counting, concurrency, false, () => kept(concurrency, { forMs: plan.countMs })));
  const fresh = () => freshLoop(subject.target, plan.freshClients, plan.countMs, () => request);
  loads.push(await counted(subject, counting, plan.freshClients, true, fresh));
  return loads;
}

async function counted(
  subject: Subject | RunningThroughline,
  counting: Counting,
  concurrency: number,
  fresh: boolean,
  load: () => Promise<LoadResult>,
): Promise<CountedLoad> {
  const groups = subject.processes();
  const own = groups.filter(({ isDatabase }) => !isDatabase);
  const database = groups.filter(({ isDatabase }) => isDatabase);
  const url = "databaseUrl" in subject ? await subject.databaseUrl() : undefined;
  await quiet(groups);
  const walBefore = url === undefined ? undefined : await walBytes(url);
  const tallyBefore = url === undefined ? undefined : await counting.read(groups);
  const [ofOwn, ofDatabase] = [countProcesses(own), countProcesses(database)];
  const { result, cpu } = await withCpu(subject, load);
  const found = { own: ofOwn(), ...(database.length === 0 ? {} : { database: ofDatabase() }) };
  must(subject, result);
  return {
    concurrency,
    fresh,
    requests: result.good,
    perSecond: (result.good * 1_000) / result.wallMs,
    p50Ms: result.latency.at(0.5),
    p99Ms: result.latency.at(0.99),
    cpuMs: scaled(cpu.own, result.good),
    databaseCpuMs: cpu.databaseMs / result.good,
    ...found,
    ...(tallyBefore === undefined ? {} : { tally: since(tallyBefore, await counting.read(groups)) }),
    ...(url === undefined || walBefore === undefined ? {} : { walBytes: (await walBytes(url)) - walBefore }),
  };
}
