import type { ChannelHealth } from "../../shared/gen/throughline/routing/v1/routing_pb.ts";
import { iso } from "./payer.ts";

/** How a channel fares, the worst first. */
export type ChannelState = "open" | "limited" | "failing" | "cooling_down" | "degraded" | "healthy" | "quiet";

/** Above this share of failures a channel is not well. One of the last 20 is no more than that. */
const degradedAbove = 0.05;
/** From this share on it fails. */
const failingFrom = 0.5;

/** The health of a channel, as its providers told it; null: nothing was asked of it within ten minutes. */
export function healthOut(health: ChannelHealth | undefined, nowUnixMs: number) {
  if (health === undefined) return null;
  const { lastFailureUnixMs: failedAt, lastGoodUnixMs: goodAt } = health;
  return {
    /**
     * `open`: its breaker is open. `limited`: it refuses most requests for its limits (429). `failing`: most requests fail.
     * `cooling_down`: it asked to be left alone. `degraded`: some fail. `quiet`: nothing was asked of it lately.
     */
    state: stateOf(health, nowUnixMs),
    attempts: health.attempts,
    failures: health.failures,
    /** How many of the last 20 attempts there were, and how many of those failed. */
    recent_attempts: health.recentAttempts,
    recent_failures: health.recentFailures,
    first_byte_ms: health.firstByteMs || null,
    open: health.open,
    cooldown_until: health.cooldownUntilUnixMs === 0n ? null : iso(health.cooldownUntilUnixMs),
    /** null: none within ten minutes. */
    last_failure:
      failedAt === 0n
        ? null
        : {
            code: health.lastFailureCode || null,
            /** The upstream's HTTP status; null: it did not answer. */
            status: health.lastFailureStatus || null,
            time: iso(failedAt),
          },
    last_success_time: goodAt === 0n ? null : iso(goodAt),
  };
}

/** How a channel fares, by what its last attempts came to. */
export function stateOf(health: ChannelHealth, nowUnixMs: number): ChannelState {
  if (health.open) return "open";
  // A provider from before the last attempts were counted tells its last report alone.
  const isCounted = health.recentAttempts > 0;
  const attempts = isCounted ? health.recentAttempts : health.attempts;
  const failures = isCounted ? health.recentFailures : health.failures;
  const share = attempts === 0 ? 0 : failures / attempts;
  if (share >= failingFrom) return health.lastFailureStatus === 429 ? "limited" : "failing";
  if (health.cooldownUntilUnixMs > BigInt(nowUnixMs)) return "cooling_down";
  if (attempts === 0) return "quiet";
  return share > degradedAbove ? "degraded" : "healthy";
}
