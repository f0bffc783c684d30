import type { ErrorCode } from "../../../shared/errors/catalogue.ts";

/** What becomes of a line that failed. */
export type Fate = Again | { readonly kind: "failed" };

/** It is run again. */
export interface Again {
  readonly kind: "again";
  readonly inMs: number;
  /** True: nobody had time for it, which says something of the upstreams and nothing of the line. */
  readonly isCrowded: boolean;
}

/** Nobody has taken the line, so it waits until somebody does: its batch has a day. */
const nobodyHadTime: readonly ErrorCode[] = ["upstream_overloaded", "service_unavailable", "rate_limit_exceeded"];
/** The upstream had it and failed. It may succeed; after some tries it is the line's own fault. */
const failedOnce: readonly ErrorCode[] = ["upstream_error", "upstream_timeout", "internal_error"];
const mostTries = 4;

const pauses = { firstMs: 500, mostMs: 60_000, growth: 2 };

/**
 * Decides about a line that failed.
 *
 * @param tries how often it was begun.
 * @param random between 0 and 1: lines that failed together must not stay in step.
 */
export function fateOf(code: ErrorCode, tries: number, random: number): Fate {
  const isCrowded = nobodyHadTime.includes(code);
  if (!isCrowded && !(failedOnce.includes(code) && tries < mostTries)) return { kind: "failed" };
  const most = Math.min(pauses.mostMs, pauses.firstMs * pauses.growth ** Math.min(tries, 16));
  return { kind: "again", inMs: Math.round(most * (0.5 + random / 2)), isCrowded };
}
