/** Waits between the tries of a delivery: tries at 0 s, 5 s, 1 min, 10 min, 1 h, 6 h and 24 h. */
export const retryWaitsMs: readonly number[] = triedAt(0, 5, 60, 600, 3_600, 6 * 3_600, 24 * 3_600);

/** Deliveries that failed together must not come back together: a wait is longer by up to this part of it. */
const jitter = 0.1;

/**
 * Milliseconds from a failed try to the next one; undefined: it was the last.
 *
 * @param tries how many there were, at least one.
 * @param random between 0 and 1.
 */
export function nextTryMs(tries: number, waitsMs: readonly number[], random: number): number | undefined {
  const wait = waitsMs[tries - 1];
  return wait === undefined ? undefined : Math.round(wait * (1 + jitter * random));
}

function triedAt(...seconds: readonly number[]): number[] {
  return seconds.slice(1).map((second, n) => (second - (seconds[n] ?? 0)) * 1_000);
}
