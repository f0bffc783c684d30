import { setTimeout as sleep } from "node:timers/promises";

/** Times of a look at what a service stands on. */
export interface LookTimes {
  /** What takes longer is not ready. Less than probes wait for their answer (3 s), more than a busy pool makes it wait. */
  readonly limitMs: number;
  /** Age from which another look is begun beside one that hangs: its connection may never answer. */
  readonly forsakenMs: number;
}

/**
 * A look that answers in time: what takes longer is not ready, for a request would wait as long. Where a database takes
 * connections and says nothing, a look ends with the driver's patience, after half a minute; until then the answer is no,
 * and looks do not pile up.
 */
export function createReadiness(
  look: () => Promise<boolean>,
  { limitMs, forsakenMs }: LookTimes = { limitMs: 2_000, forsakenMs: 5_000 },
): () => Promise<boolean> {
  let latest: { readonly sinceMs: number; readonly answer: Promise<boolean> } | undefined;
  return async () => {
    const now = performance.now();
    if (latest === undefined || now - latest.sinceMs > forsakenMs) {
      const begun = { sinceMs: now, answer: look().catch(() => false) };
      latest = begun;
      void begun.answer.then(() => {
        if (latest === begun) latest = undefined;
      });
    }
    const timer = new AbortController();
    const late = sleep(limitMs, false, { signal: timer.signal, ref: false }).catch(() => false);
    return await Promise.race([latest.answer, late]).finally(() => timer.abort());
  };
}
