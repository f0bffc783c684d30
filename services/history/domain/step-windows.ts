import { toParts } from "../../../shared/request-id.ts";
import { firstId, type IdRange, lower } from "./times.ts";

/** The first steps of a range: up to where the step begins that is so many further. Steps are counted from the Unix epoch. */
export function firstSteps(range: IdRange, { steps, stepMs }: { steps: number; stepMs: number }): IdRange {
  const atStep = Math.floor(unixMsOf(range.from) / stepMs);
  return { from: range.from, to: lower(range.to, firstId(BigInt((atStep + steps) * stepMs))) };
}

/** How many steps are read next where so many took that long: a few statements are to fill a page. */
export function nextSteps(steps: number, { tookMs, pageMs }: { tookMs: number; pageMs: number }): number {
  if (tookMs < pageMs / 8) return steps * 4;
  if (tookMs < pageMs / 3) return steps * 2;
  return tookMs < pageMs ? steps : Math.max(1, Math.floor(steps / 2));
}

/** The time of an ID, Unix milliseconds. */
export function unixMsOf(id: bigint): number {
  return toParts(id).unixMs;
}
