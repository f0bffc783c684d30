/** When a refused request is judged again, as parts of the time that it may wait: soon at first, then ever more seldom. */
const parts = [0.04, 0.12, 0.25, 0.45, 0.7, 1] as const;

/**
 * When the next look is due, in milliseconds after the refusal; undefined: the refusal stands.
 *
 * @param waitedMs how long the request has waited by now.
 * @param windowMs how long it may wait in all.
 */
export function nextLookMs(waitedMs: number, windowMs: number): number | undefined {
  return parts.map((part) => part * windowMs).find((lookMs) => lookMs > waitedMs);
}
