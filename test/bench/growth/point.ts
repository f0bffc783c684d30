import { closedLoop, type NextRequest } from "../load/loads.ts";
import { must } from "../load/must.ts";
import { cpuMs, quiet } from "../measure/proc.ts";
import type { Subject } from "../subjects/subject.ts";

/** Measures one point under load: throughput, latency, CPU a request. */
export async function loadPoint(
  subject: Subject,
  concurrency: number,
  forMs: number,
  next: NextRequest,
): Promise<Record<string, number>> {
  const groups = subject.processes();
  await quiet(groups);
  const before = groups.map(cpuMs);
  const result = must(subject, await closedLoop(subject.target, concurrency, { forMs }, next));
  await quiet(groups);
  let ownMs = 0;
  let databaseMs = 0;
  for (const [index, group] of groups.entries()) {
    const used = cpuMs(group) - (before[index] ?? 0);
    if (group.isDatabase) databaseMs += used;
    else ownMs += used;
  }
  return {
    perSecond: (result.good * 1_000) / result.wallMs,
    p50Ms: result.latency.at(0.5),
    p99Ms: result.latency.at(0.99),
    cpuMs: ownMs / result.good,
    cpuWithDatabaseMs: (ownMs + databaseMs) / result.good,
    generatorBusy: result.generatorBusy,
  };
}
