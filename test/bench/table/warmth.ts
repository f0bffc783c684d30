import { closedLoop } from "../load/loads.ts";
import { chatRequest } from "../load/request.ts";
import type { Subject } from "../subjects/subject.ts";
import { allGood, type Served, sum, withCpu } from "./measured.ts";
import type { Plan } from "./plan.ts";
import { stream, streamMs } from "./usual-stream.ts";

/** Cost of a row that was just started, without that of its database. */
export interface Warmth {
  /** CPU-ms a request of its first requests. */
  readonly firstMs: number;
  /** The curve: CPU-ms a request of those from one step to the next. */
  readonly steps: readonly { readonly upTo: number; readonly cpuMs: number }[];
}

/** Warms a row up, and says what that cost. */
export async function warmUp(subject: Subject, plan: Plan, served: Served): Promise<Warmth> {
  const request = chatRequest(subject.target, { kind: "answer", delayMs: 0 });
  const steps: { upTo: number; cpuMs: number }[] = [];
  let done = 0;
  let firstMs = 0;
  const first = Math.min(plan.firstRequests, warmUpOf(subject, plan));
  for (const upTo of stepsOf(subject, plan)) {
    const count = upTo - done;
    const load = () => closedLoop(subject.target, plan.concurrency, { count }, () => request);
    const { result, cpu } = await withCpu(subject, load);
    allGood(subject, "warm-up", result, served);
    steps.push({ upTo, cpuMs: sum(cpu.own) / count });
    done = upTo;
    if (upTo <= first) firstMs += sum(cpu.own) / first;
  }
  const streaming = chatRequest(subject.target, stream);
  const streamed = await closedLoop(subject.target, plan.streams, { count: plan.streams * 2 }, () => streaming, {
    spreadMs: streamMs,
  });
  allGood(subject, "warm-up with streams", streamed, served);
  return { firstMs, steps };
}

/** Requests after which a row counts as warm. */
export function warmUpOf({ warmUpAtMost }: Pick<Subject, "warmUpAtMost">, { warmUp }: Plan): number {
  return Math.min(warmUp, warmUpAtMost ?? warmUp);
}

/** Where the steps of a row's curve end: at the first requests, and where it is warm, too. */
export function stepsOf(subject: Pick<Subject, "warmUpAtMost">, plan: Plan): number[] {
  const all = warmUpOf(subject, plan);
  return [...new Set([...plan.warmthSteps, plan.firstRequests, all])]
    .filter((upTo) => upTo <= all)
    .toSorted((a, b) => a - b);
}
