/** How often upstreams are asked after a job. */
export interface PollPace {
  /** Milliseconds from a job's start to the first question. */
  readonly firstMs: number;
  /** Longest time between two questions after a job that runs well. */
  readonly maxMs: number;
  /** What the vendor wants between two questions at least; 0: it has no such rule. */
  readonly floorMs: number;
}

/** Each wait is so many times the one before. */
const growth = 1.3;
/** An upstream that cannot be asked is left alone for longer, and at most for this long. */
const failedGrowth = 2;
const maxFailedMs = 60_000;
/** Jobs that began together must not stay in step. */
const jitter = 0.2;

/**
 * Milliseconds to the next question, never less than `firstMs` and the vendor's floor.
 *
 * @param polls questions so far.
 * @param failedPolls questions in a row that were not answered.
 * @param random between 0 and 1.
 */
export function nextPollMs(
  { polls, failedPolls }: { polls: number; failedPolls: number },
  { firstMs, maxMs, floorMs }: PollPace,
  random: number,
): number {
  const calm = Math.min(Math.max(firstMs, maxMs), firstMs * growth ** polls);
  const base = failedPolls === 0 ? calm : Math.min(Math.max(calm, maxFailedMs), calm * failedGrowth ** failedPolls);
  return Math.round(Math.max(firstMs, floorMs, base * (1 - jitter + 2 * jitter * random)));
}
