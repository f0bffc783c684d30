import { Redis as Valkey } from "iovalkey";
import { RateLimiterValkey } from "rate-limiter-flexible";
import { ThroughlineError } from "../../../shared/errors/error.ts";
import type { Log } from "../../../shared/log.ts";
import type { ValkeyFallback } from "../config.ts";
import { type Counters, type LimiterCounters, limiterCounters, limiterOptions, memoryCounters } from "./counters.ts";
import { createPresence } from "./presence.ts";

/** The library's own script says `server.call`, which Redis and older Valkeys do not know. */
const incrementScript = `
redis.call('set', KEYS[1], 0, 'EX', ARGV[2], 'NX')
local consumed = redis.call('incrby', KEYS[1], ARGV[1])
return {consumed, redis.call('pttl', KEYS[1])}`;

const commandTimeoutMs = 500;
const maxPauseMs = 1_000;
const startWaitMs = 2_000;
/** Time between two looks whether a Valkey that did not answer is back. */
const probeEveryMs = 500;

/**
 * Counters in Valkey, or Redis, shared by all replicas. While it is away, requests with limits are refused or counted by
 * this process alone; it is logged once when it goes and once when it is back.
 *
 * One that hangs counts as away from the first command that got no answer in time: whoever waits then is released with
 * it, nobody asks after it, and a probe of our own finds out when it is back. (A circuit breaker that lets the next
 * request be the probe has that request wait, and all that come meanwhile.)
 */
export async function valkeyCounters(url: string, fallback: ValkeyFallback, log: Log): Promise<Counters> {
  const client = new Valkey(url, {
    // A request must learn at once that Valkey is away, not when it is back.
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    commandTimeout: commandTimeoutMs,
    connectTimeout: startWaitMs,
    enableAutoPipelining: true,
    retryStrategy: (attempt) => Math.min(50 * attempt, maxPauseMs),
  });
  const presence = createPresence({
    probe: () => client.ping(),
    probeEveryMs,
    onAway(error) {
      const consequence =
        fallback === "refuse" ? "requests with rate limits are refused" : "each replica counts for itself";
      log.error({ err: error }, `Valkey is away: ${consequence} until it is back`);
    },
    onBack: () => log.info("Valkey is back: rate limits hold over all replicas again"),
  });
  client.on("error", (error) => presence.lost(error));
  await Promise.race([
    new Promise((resolve) => client.once("ready", resolve)),
    new Promise((resolve) => setTimeout(resolve, startWaitMs).unref()),
  ]);
  // A Valkey that has not answered by now is taken as away, so that no request has to find out.
  if (client.status !== "ready") presence.lost(new Error("Valkey did not answer at the start"));

  const shared = limiterCounters(
    new RateLimiterValkey({ ...limiterOptions, storeClient: client, customIncrTtlLuaScript: incrementScript }),
  );
  const local = memoryCounters();

  async function either<T>(run: (counters: LimiterCounters) => Promise<T>): Promise<T> {
    try {
      return await presence.use(() => run(shared));
    } catch (error) {
      if (fallback === "local") return run(local);
      throw new ThroughlineError("service_unavailable", "Rate limits cannot be checked at the moment; retry shortly.", {
        cause: error,
      });
    }
  }

  return {
    near: false,
    peek: (counter) => either((counters) => counters.peek(counter)),
    take: (claim) => either((counters) => counters.take(claim)),
    giveBack: (claim) => either((counters) => counters.giveBack(claim)),
    async close() {
      presence.close();
      client.disconnect();
      await local.close();
    },
  };
}
