import { LRUCache } from "lru-cache";

const minuteMs = 60_000;
/** Most keys or addresses that are counted at a time: whoever has most of them makes room for the others' last. */
const maxCounted = 20_000;

/** Counts by key of the minute that began with the first of them. */
export interface MinuteCounts<K extends string | bigint> {
  /** Adds points, or takes them back. */
  add(key: K, points: number): void;
  /** Milliseconds until the minute of a key ends that has reached the limit; 0: it has not. */
  waitMs(key: K): number;
}

/**
 * Creates counts in a memory that is bounded, which those of rate-limiter-flexible is not: strangers have as many
 * addresses as they like.
 *
 * @param limit points of a key in a minute; 0: none.
 * @param now milliseconds of a clock that does not go back.
 */
export function createMinuteCounts<K extends string | bigint>(
  limit: number,
  now: () => number = () => performance.now(),
): MinuteCounts<K> {
  const counts = new LRUCache<K, { points: number; untilMs: number }>({ max: maxCounted });
  return {
    add(key, points) {
      if (limit === 0 || (points < 0 && counts.size === 0)) return;
      const nowMs = now();
      const count = counts.get(key);
      if (count !== undefined && nowMs < count.untilMs) count.points = Math.max(0, count.points + points);
      else if (points > 0) counts.set(key, { points, untilMs: nowMs + minuteMs });
    },
    waitMs(key) {
      if (counts.size === 0) return 0;
      const count = counts.get(key);
      return count === undefined || count.points < limit ? 0 : Math.max(0, count.untilMs - now());
    },
  };
}
