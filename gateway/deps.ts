import type { BillingService } from "../shared/gen/throughline/billing/v1/billing_pb.ts";
import type { HistoryService } from "../shared/gen/throughline/history/v1/history_pb.ts";
import type { JobsService } from "../shared/gen/throughline/jobs/v1/jobs_pb.ts";
import type { ProviderService } from "../shared/gen/throughline/provider/v1/provider_pb.ts";
import type { RoutingService } from "../shared/gen/throughline/routing/v1/routing_pb.ts";
import type { Log } from "../shared/log.ts";
import type { Pacing } from "../shared/pace.ts";
import type { RequestIdSource } from "../shared/request-id.ts";
import type { ServiceClient } from "../shared/rpc/index.ts";
import type { Metrics, MetricsAnswer, Tracing } from "../shared/telemetry/index.ts";
import type { Pages } from "./pages/pages.ts";

/** What the edge is given. */
export interface GatewayDeps {
  readonly log: Log;
  readonly tracing: Tracing;
  readonly metrics: Metrics;
  /** Metrics of this process, as a scrape with this Accept wants them. */
  readonly metricsFor: (accept: string | undefined) => Promise<MetricsAnswer>;
  readonly routing: ServiceClient<typeof RoutingService>;
  readonly billing: ServiceClient<typeof BillingService>;
  readonly provider: ServiceClient<typeof ProviderService>;
  readonly history: ServiceClient<typeof HistoryService>;
  readonly jobs: ServiceClient<typeof JobsService>;
  readonly ids: RequestIdSource;
  /** What work in bulk goes by, shared with the history of the same process. Default: its own. */
  readonly pacing?: Pacing;
  /** Who writes pages of records, given who writes them on this thread. Default: that one. */
  readonly pages?: (here: Pages) => Pages;
}
