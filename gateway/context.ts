import type { LRUCache } from "lru-cache";
import type { BillingService, Principal } from "../shared/gen/throughline/billing/v1/billing_pb.ts";
import type { HistoryService } from "../shared/gen/throughline/history/v1/history_pb.ts";
import type { ProviderService } from "../shared/gen/throughline/provider/v1/provider_pb.ts";
import type { RoutingService } from "../shared/gen/throughline/routing/v1/routing_pb.ts";
import type { Log } from "../shared/log.ts";
import type { RequestIdSource } from "../shared/request-id.ts";
import type { ServiceClient } from "../shared/rpc/index.ts";
import type { Metrics, Tracing } from "../shared/telemetry/index.ts";
import type { GatewaySpans } from "../shared/telemetry/spans/gateway.ts";
import type { GatewayConfig } from "./config.ts";
import type { BodyMemory } from "./http/capacity.ts";
import type { FreeLimits } from "./http/free-limits.ts";
import type { RefusalCounts } from "./http/refusal-counts.ts";
import type { Running } from "./running.ts";

/** What the edge is given. */
export interface GatewayDeps {
  readonly log: Log;
  readonly tracing: Tracing;
  readonly metrics: Metrics;
  /** Prometheus text of this process. */
  readonly metricsText: () => Promise<string>;
  readonly routing: ServiceClient<typeof RoutingService>;
  readonly billing: ServiceClient<typeof BillingService>;
  readonly provider: ServiceClient<typeof ProviderService>;
  readonly history: ServiceClient<typeof HistoryService>;
  readonly ids: RequestIdSource;
}

/** What every endpoint works with. */
export interface GatewayContext extends GatewayDeps {
  readonly config: GatewayConfig;
  readonly spans: GatewaySpans;
  /** Requests between arrival and their last durable word. */
  readonly running: Running;
  /** What the edge turned away. */
  readonly refusals: RefusalCounts;
  /** Limits of what costs nothing. */
  readonly limits: FreeLimits;
  /** The bodies that requests keep. */
  readonly bodies: BodyMemory;
  /** Configured models that requests were resolved to. */
  readonly models: Set<string>;
  /** Principals by SHA-256 of the secret (one character a byte), for a few seconds. */
  readonly principals: LRUCache<string, Principal>;
}
