import { type RateLimiterAbstract, RateLimiterMemory, RateLimiterRes } from "rate-limiter-flexible";
import { type Claim, type Counter, type Level, minuteMs } from "../domain/rates.ts";

/** Where the counters are kept. */
export interface Counters {
  /** True: they are in this process and answer at once. */
  readonly near: boolean;
  /** What a counter stands at; undefined: at 0, its minute has not begun. */
  peek(counter: Counter): Promise<Level | undefined>;
  /** Takes points, also beyond the limit: the level after it tells. Whoever is over the limit gives back. */
  take(claim: Claim): Promise<Level>;
  /** Gives back points taken in the minute that is still running. */
  giveBack(claim: Claim): Promise<void>;
  close(): Promise<void>;
}

/** What a kind of limiter does. */
export type LimiterCounters = Omit<Counters, "near" | "close">;

/** Counters of a kind of limiter; one limiter for each limit, for a limiter knows but one. */
export function limiterCounters(create: (limit: number) => RateLimiterAbstract): LimiterCounters {
  const limiters = new Map<number, RateLimiterAbstract>();

  function limiterOf({ limit }: Counter): RateLimiterAbstract {
    let limiter = limiters.get(limit);
    if (limiter === undefined) {
      limiter = create(limit);
      limiters.set(limit, limiter);
    }
    return limiter;
  }

  return {
    async peek(counter) {
      const level = await limiterOf(counter).get(counter.id);
      // The memory's timer may be late: what is past its minute is as good as gone.
      return level === null || level.msBeforeNext <= 0 ? undefined : toLevel(level);
    },
    async take({ counter, points }) {
      try {
        return toLevel(await limiterOf(counter).consume(counter.id, points));
      } catch (over) {
        // Not an error: this is how a limiter says that the points are beyond the limit.
        if (over instanceof RateLimiterRes) return toLevel(over);
        throw over;
      }
    },
    async giveBack({ counter, points }) {
      await limiterOf(counter).reward(counter.id, points);
    },
  };
}

const seconds = minuteMs / 1_000;

/** Counters in the memory of this process. */
export function memoryCounters(): Counters {
  const counters = limiterCounters((points) => new RateLimiterMemory({ points, duration: seconds }));
  return { ...counters, near: true, close: async () => undefined };
}

/** What the limiters of one store share. */
export const limiterOptions = { duration: seconds, keyPrefix: "throughline" } as const;

function toLevel({ consumedPoints, msBeforeNext }: RateLimiterRes): Level {
  return { used: consumedPoints, resetMs: Math.max(0, msBeforeNext) };
}
