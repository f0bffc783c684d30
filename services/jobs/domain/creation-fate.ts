/** What came of asking a vendor to take a file or a batch, as far as its answer tells. */
export interface Refusal {
  /** HTTP status of the vendor's answer. 0: none came. */
  readonly status: number;
  /** The request was written and its answer was lost. */
  readonly isUnknown: boolean;
}

/**
 * What is to be done about it. "again": nothing was taken, and it may be later. "own": the vendor does not take it. "find": it may
 * have been taken.
 */
export type CreationFate = "again" | "own" | "find";

/** Refusals that say nothing of the batch itself. */
const passing: ReadonlySet<number> = new Set([408, 409, 425, 429, 503, 529]);
/** A vendor that is away for so many tries is not waited for. */
const mostTries = 8;

/** Decides about a creation, or an upload, that was not answered with success. @param failures tries before this one. */
export function creationFate({ status, isUnknown }: Refusal, failures: number): CreationFate {
  if (isUnknown) return "find";
  if (status >= 500 && !passing.has(status)) return "find";
  if (status >= 400 && !passing.has(status)) return "own";
  return failures + 1 >= mostTries ? "own" : "again";
}

/** Milliseconds to the next try: twice as long each time, a minute at most. */
export function retryMs(failures: number, random: number): number {
  return Math.round(Math.min(60_000, 1_000 * 2 ** Math.min(failures, 16)) * (0.75 + random / 2));
}
