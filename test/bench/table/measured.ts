import type { LoadResult } from "../load/loads.ts";
import { cpuMs, quiet } from "../measure/proc.ts";
import type { Subject, SubjectName } from "../subjects/subject.ts";

/** CPU milliseconds by process, each for one request or stream. */
export type CpuByProcess = Readonly<Record<string, number>>;

/** A count of the good answers of each row, for the books. */
export type Served = Map<SubjectName, number>;

/** CPU of all processes in a record. */
export function sum(cpu: CpuByProcess): number {
  return Object.values(cpu).reduce((total, used) => total + used, 0);
}

/** What a load costs each process, with what is done after the answers: it waits until all rest. */
export async function withCpu(
  subject: Subject,
  load: () => Promise<LoadResult>,
): Promise<{ result: LoadResult; cpu: { own: CpuByProcess; databaseMs: number } }> {
  const groups = subject.processes();
  await quiet(groups);
  const before = groups.map(cpuMs);
  const result = await load();
  await quiet(groups);
  const own: Record<string, number> = {};
  let databaseMs = 0;
  for (const [index, group] of groups.entries()) {
    const used = cpuMs(group) - (before[index] ?? 0);
    if (group.isDatabase) databaseMs += used;
    else own[group.name] = used;
  }
  return { result, cpu: { own, databaseMs } };
}

/** A wrong answer makes every figure of a row worthless. */
export function allGood(subject: Subject, during: string, { good, bad, firstBad }: LoadResult, served: Served): void {
  served.set(subject.name, (served.get(subject.name) ?? 0) + good);
  if (bad > 0 || good === 0)
    throw new Error(`${subject.name}, ${during}: ${good} good answers, ${bad} bad ones, the first: ${firstBad}`);
}

/** Each process's share of one request. */
export function scaled(cpu: CpuByProcess, by: number): CpuByProcess {
  return Object.fromEntries(Object.entries(cpu).map(([name, used]) => [name, used / by]));
}
