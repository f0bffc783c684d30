import type { Database } from "../../shared/db/index.ts";
import type { HistoryService } from "../../shared/gen/throughline/history/v1/history_pb.ts";
import type { Log } from "../../shared/log.ts";
import type { ServiceClient } from "../../shared/rpc/index.ts";
import type { BillingSpans, Metrics, Tracing } from "../../shared/telemetry/index.ts";
import type { BillingConfig } from "./config.ts";
import type { BillingSchema } from "./db/schema.ts";
import type { Tariffs } from "./db/tariffs.ts";
import type { RateLimits } from "./limits/rate-limits.ts";

/** What billing needs of its process. */
export interface BillingDeps {
  readonly log: Log;
  readonly tracing: Tracing;
  readonly metrics: Metrics;
  /** History, for the reconciler. */
  readonly history: Pick<ServiceClient<typeof HistoryService>, "findUnfinished" | "record">;
}

/** What billing's RPCs and jobs work with. */
export interface BillingContext {
  readonly config: BillingConfig;
  readonly db: Database<BillingSchema>;
  /** The same database for sums and what keeps them: a few connections of its own, so that no sum waits in front of a charge. */
  readonly reports: Database<BillingSchema>;
  readonly log: Log;
  readonly spans: BillingSpans;
  readonly metrics: Metrics;
  readonly tariffs: Tariffs;
  readonly rateLimits: RateLimits;
  /** Unix milliseconds. */
  readonly nowMs: () => number;
}
