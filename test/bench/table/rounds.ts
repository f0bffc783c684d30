import { closedLoop, freshLoop, openLoop } from "../load/loads.ts";
import { chatRequest } from "../load/request.ts";
import { cpuMs, memoryMb, type ProcessGroup, quiet } from "../measure/proc.ts";
import type { Ground } from "../subjects/ground.ts";
import type { Subject, SubjectName } from "../subjects/subject.ts";
import type { Behaviour } from "../upstream/answers.ts";
import { allGood, type CpuByProcess, type Served, scaled, withCpu } from "./measured.ts";
import type { Plan } from "./plan.ts";
import { stream, streamEvents, streamMs } from "./usual-stream.ts";

/** One round of one row. */
export interface Round {
  readonly load: {
    readonly requests: number;
    readonly perSecond: number;
    readonly p50Ms: number;
    readonly p99Ms: number;
    readonly cpuMs: CpuByProcess;
    readonly databaseCpuMs: number;
    readonly upstreamCpuMs: number;
    readonly generatorCpuMs: number;
    readonly generatorBusy: number;
  };
  /** Whole latency at the fixed low rate. */
  readonly rate: { readonly requests: number; readonly p50Ms: number; readonly p99Ms: number };
  readonly streams: {
    readonly streams: number;
    readonly cpuMs: CpuByProcess;
    readonly databaseCpuMs: number;
    readonly firstByteP50Ms: number;
    readonly firstByteP99Ms: number;
    readonly totalP50Ms: number;
  };
  /** Whole latency where each request has a connection of its own; absent in runs that did not measure it. */
  readonly fresh?: { readonly requests: number; readonly p50Ms: number; readonly p99Ms: number };
  /** MB by process after the load. */
  readonly memoryMb: CpuByProcess;
}

const atOnce: Behaviour = { kind: "answer", delayMs: 0 };
const after20: Behaviour = { kind: "answer", delayMs: 20 };
/** One round: every measure on every row, the rows taking turns within each measure. */
export async function runRound(
  ground: Ground,
  subjects: readonly Subject[],
  plan: Plan,
  served: Served,
): Promise<Map<SubjectName, Round>> {
  const loads = new Map<SubjectName, Round["load"]>();
  const memory = new Map<SubjectName, CpuByProcess>();
  for (const subject of subjects) {
    loads.set(subject.name, await runLoad(ground, subject, plan, served));
    memory.set(subject.name, byName(subject.processes(), memoryMb));
  }
  const rates = new Map<SubjectName, Round["rate"]>();
  for (const subject of subjects) rates.set(subject.name, await runRate(subject, plan, served));
  const streams = new Map<SubjectName, Round["streams"]>();
  for (const subject of subjects) streams.set(subject.name, await runStreams(subject, plan, served));
  const fresh = new Map<SubjectName, NonNullable<Round["fresh"]>>();
  if (plan.freshMs > 0) for (const subject of subjects) fresh.set(subject.name, await runFresh(subject, plan, served));

  return new Map(
    subjects.map(({ name }) => [
      name,
      {
        load: present(loads.get(name)),
        rate: present(rates.get(name)),
        streams: present(streams.get(name)),
        ...(plan.freshMs > 0 ? { fresh: present(fresh.get(name)) } : {}),
        memoryMb: present(memory.get(name)),
      },
    ]),
  );
}

async function runLoad(ground: Ground, subject: Subject, plan: Plan, served: Served): Promise<Round["load"]> {
  const request = chatRequest(subject.target, atOnce);
  const upstreamBefore = cpuMs(ground.upstreamProcess);
  const own = process.cpuUsage();
  const { result, cpu } = await withCpu(subject, async () => {
    const [answer] = await Promise.all([
      closedLoop(subject.target, plan.concurrency, { forMs: plan.loadMs }, () => request),
      subject.scrape?.(),
    ]);
    return answer;
  });
  allGood(subject, `load at ${plan.concurrency}`, result, served);
  const { user, system } = process.cpuUsage(own);
  const { good } = result;
  return {
    requests: good,
    perSecond: (good * 1_000) / result.wallMs,
    p50Ms: result.latency.at(0.5),
    p99Ms: result.latency.at(0.99),
    cpuMs: scaled(cpu.own, good),
    databaseCpuMs: cpu.databaseMs / good,
    upstreamCpuMs: (cpuMs(ground.upstreamProcess) - upstreamBefore) / good,
    generatorCpuMs: (user + system) / 1_000 / good,
    generatorBusy: result.generatorBusy,
  };
}

async function runRate(subject: Subject, plan: Plan, served: Served): Promise<Round["rate"]> {
  const request = chatRequest(subject.target, after20);
  await quiet(subject.processes());
  const result = await openLoop(subject.target, plan.rate, plan.rateMs, () => request);
  allGood(subject, `${plan.rate} a second`, result, served);
  return { requests: result.good, p50Ms: result.latency.at(0.5), p99Ms: result.latency.at(0.99) };
}

async function runFresh(subject: Subject, plan: Plan, served: Served): Promise<NonNullable<Round["fresh"]>> {
  const request = chatRequest(subject.target, atOnce);
  await quiet(subject.processes());
  const result = await freshLoop(subject.target, plan.freshClients, plan.freshMs, () => request);
  allGood(subject, `${plan.freshClients} clients with new connections`, result, served);
  return { requests: result.good, p50Ms: result.latency.at(0.5), p99Ms: result.latency.at(0.99) };
}

async function runStreams(subject: Subject, plan: Plan, served: Served): Promise<Round["streams"]> {
  const request = chatRequest(subject.target, stream);
  const { result, cpu } = await withCpu(subject, () =>
    closedLoop(subject.target, plan.streams, { forMs: plan.streamsMs }, () => request, { spreadMs: streamMs }),
  );
  allGood(subject, `${plan.streams} streams`, result, served);
  if (result.events !== result.good * streamEvents)
    throw new Error(`${subject.name}: ${result.events} events in ${result.good} streams, not ${streamEvents} in each`);
  return {
    streams: result.good,
    cpuMs: scaled(cpu.own, result.good),
    databaseCpuMs: cpu.databaseMs / result.good,
    firstByteP50Ms: result.firstByte.at(0.5),
    firstByteP99Ms: result.firstByte.at(0.99),
    totalP50Ms: result.latency.at(0.5),
  };
}

function byName(groups: readonly ProcessGroup[], of: (group: ProcessGroup) => number): CpuByProcess {
  return Object.fromEntries(groups.map((group) => [group.name, of(group)]));
}

function present<T>(value: T | undefined): T {
  if (value === undefined) throw new Error("a measure was left out");
  return value;
}
