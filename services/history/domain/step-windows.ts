import { toParts } from "../../../shared/request-id.ts";
import { firstId, type IdRange, lower } from "./times.ts";

/** The first steps of a range: up to where the step begins that is so many further. Steps are counted from the Unix epoch. */
export function firstSteps(range: IdRange, { steps, stepMs }: { steps: number; stepMs: number }): IdRange {
  const atStep = Math.floor(unixMsOf(range.from) / stepMs);
  return { from: range.from, to: lower(range.to, firstId(BigInt((atStep + steps) * stepMs))) };
}

/** Where the step begins that a range begins in, Unix milliseconds. */
export function firstStepMs({ from }: IdRange, stepMs: number): number {
  return Math.floor(unixMsOf(from) / stepMs) * stepMs;
}

/**
 * How many steps are read next where a range took that long: at most twice as many as were in it, and no more than there is time for. A
 * range that begins or ends within a step has a part of one. 0: none may be finished in time.
 *
 * @param isEmpty the page has nothing yet: it goes on while there is time, for its first step may be a quiet part of one.
 */
export function nextSteps(
  range: IdRange,
  { stepMs, tookMs, leftMs, isEmpty }: { stepMs: number; tookMs: number; leftMs: number; isEmpty: boolean },
): number {
  if (leftMs <= 0) return 0;
  const steps = (unixMsOf(range.to) - unixMsOf(range.from)) / stepMs;
  const inTime = Math.floor((leftMs * steps) / tookMs);
  return Math.min(Math.max(1, Math.floor(steps * 2)), isEmpty ? Math.max(1, inTime) : inTime);
}

/** The time of an ID, Unix milliseconds. */
export function unixMsOf(id: bigint): number {
  return toParts(id).unixMs;
}
