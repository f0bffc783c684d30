import type { Verdict } from "./verdict.ts";

/** What the last attempts at a channel came to. */
export interface Lately {
  /** How many attempts that said something there were, up to the last 20. */
  readonly attempts: number;
  /** How many of these failed by the upstream's fault, or were refused for its limits. */
  readonly failures: number;
  /** Code of the last failure; empty: there was none. */
  readonly failureCode: string;
  /** HTTP status of it; 0: it had none. */
  readonly failureStatus: number;
  /** Unix milliseconds; 0: there was none. */
  readonly failedAtMs: number;
  /** Unix milliseconds; 0: none went well. */
  readonly goodAtMs: number;
}

const remembered = 20;

/**
 * Remembers what the last attempts came to. The figures of a report begin anew with each, so that a channel that refuses every request
 * looked well a second later.
 */
export function createLately() {
  /** A bit for each attempt, the newest lowest; 1: it failed. */
  let bits = 0;
  let attempts = 0;
  let failureCode = "";
  let failureStatus = 0;
  let failedAtMs = 0;
  let goodAtMs = 0;
  return {
    note({ kind }: Pick<Verdict, "kind">, code: string, status: number): void {
      if (kind === "neutral") return;
      const failed = kind !== "good";
      bits = ((bits << 1) | (failed ? 1 : 0)) & (2 ** remembered - 1);
      attempts = Math.min(remembered, attempts + 1);
      if (!failed) {
        goodAtMs = Date.now();
        return;
      }
      failureCode = code;
      failureStatus = status;
      failedAtMs = Date.now();
    },
    read(): Lately {
      let failures = 0;
      for (let rest = bits; rest > 0; rest >>= 1) failures += rest & 1;
      return { attempts, failures, failureCode, failureStatus, failedAtMs, goodAtMs };
    },
  };
}
