import type { Database } from "../../../shared/db/index.ts";
import type { Log } from "../../../shared/log.ts";
import type { BillingConfig } from "../config.ts";
import type { BillingSchema } from "../db/schema.ts";
import { type Counters, memoryCounters } from "./counters.ts";
import { createKnownLimits } from "./known-limits.ts";
import { createRateLimits, type RateLimits } from "./rate-limits.ts";
import type { valkeyCounters } from "./valkey-counters.ts";

/** Opens the rate limits: in Valkey where one is configured, in this process's memory otherwise. */
export async function openRateLimits(
  config: BillingConfig,
  db: Database<BillingSchema>,
  log: Log,
): Promise<RateLimits> {
  const { valkeyUrl, valkeyFallback } = config;
  const counters = valkeyUrl === undefined ? memoryCounters() : await countersIn(valkeyUrl, valkeyFallback, log);
  return createRateLimits(createKnownLimits(db, config.databaseUrl, log), counters);
}

/** The client of Valkey is loaded where there is one. */
async function countersIn(...given: Parameters<typeof valkeyCounters>): Promise<Counters> {
  const { valkeyCounters: open } = await import("./valkey-counters.ts");
  return await open(...given);
}
