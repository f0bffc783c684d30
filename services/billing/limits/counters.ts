import { type RateLimiterAbstract, RateLimiterMemory, type RateLimiterRes } from "rate-limiter-flexible";
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

/** Counters of a limiter. What a claim may take is told by the level after it, so that one limiter serves all limits. */
export function limiterCounters(limiter: RateLimiterAbstract): LimiterCounters {
  return {
    async peek({ id }) {
      const level = await limiter.get(id);
      // The memory's timer may be late: what is past its minute is as good as gone.
      return level === null || level.msBeforeNext <= 0 ? undefined : toLevel(level);
    },
    take: async ({ counter, points }) => toLevel(await limiter.consume(counter.id, points)),
    async giveBack({ counter, points }) {
      await limiter.reward(counter.id, points);
    },
  };
}

const seconds = minuteMs / 1_000;

/** Counters in the memory of this process. */
export function memoryCounters(): Counters {
  const counters = limiterCounters(new RateLimiterMemory({ points: limiterOptions.points, duration: seconds }));
  return { ...counters, near: true, close: async () => undefined };
}

/** How a limiter counts: without an end, for it does not know whose limit a counter has. */
export const limiterOptions = { points: Number.MAX_SAFE_INTEGER, duration: seconds, keyPrefix: "throughline" } as const;

function toLevel({ consumedPoints, msBeforeNext }: RateLimiterRes): Level {
  return { used: consumedPoints, resetMs: Math.max(0, msBeforeNext) };
}
