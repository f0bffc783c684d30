import { Redis as Valkey } from "iovalkey";
import { RateLimiterValkey } from "rate-limiter-flexible";
import { ThroughlineError } from "../../../shared/errors/error.ts";
import type { Log } from "../../../shared/log.ts";
import type { ValkeyFallback } from "../config.ts";
import { type Counters, limiterCounters, limiterOptions, memoryCounters } from "./counters.ts";

/** The library's own script says `server.call`, which Redis and older Valkeys do not know. */
const incrementScript = `
redis.call('set', KEYS[1], 0, 'EX', ARGV[2], 'NX')
local consumed = redis.call('incrby', KEYS[1], ARGV[1])
return {consumed, redis.call('pttl', KEYS[1])}`;

const commandTimeoutMs = 500;
const maxPauseMs = 1_000;
const startWaitMs = 2_000;

/**
 * Counters in Valkey, or Redis, shared by all replicas. While it is away, requests with limits are refused or counted by
 * this process alone; it is logged once when it goes and once when it is back.
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
  let away = false;
  client.on("error", (error) => noteAway(error));
  client.on("ready", () => {
    if (away) log.info("Valkey is back: rate limits hold over all replicas again");
    away = false;
  });
  await Promise.race([
    new Promise((resolve) => client.once("ready", resolve)),
    new Promise((resolve) => setTimeout(resolve, startWaitMs).unref()),
  ]);

  const shared = limiterCounters(
    (points) =>
      new RateLimiterValkey({
        ...limiterOptions,
        points,
        storeClient: client,
        customIncrTtlLuaScript: incrementScript,
      }),
  );
  const local = memoryCounters();

  function noteAway(error: unknown): void {
    if (away) return;
    away = true;
    const consequence =
      fallback === "refuse" ? "requests with rate limits are refused" : "each replica counts for itself";
    log.error({ err: error }, `Valkey is away: ${consequence} until it is back`);
  }

  async function either<T>(run: (counters: Omit<Counters, "close">) => Promise<T>): Promise<T> {
    try {
      return await run(shared);
    } catch (error) {
      noteAway(error);
      if (fallback === "local") return run(local);
      throw new ThroughlineError("service_unavailable", "Rate limits cannot be checked at the moment; retry shortly.", {
        cause: error,
      });
    }
  }

  return {
    peek: (counter) => either((counters) => counters.peek(counter)),
    take: (claim) => either((counters) => counters.take(claim)),
    giveBack: (claim) => either((counters) => counters.giveBack(claim)),
    async close() {
      client.disconnect();
      await local.close();
    },
  };
}
