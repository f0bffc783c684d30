import type { BillingService } from "../../shared/gen/throughline/billing/v1/billing_pb.ts";
import type { HistoryService } from "../../shared/gen/throughline/history/v1/history_pb.ts";
import type { ProviderService } from "../../shared/gen/throughline/provider/v1/provider_pb.ts";
import type { RoutingService } from "../../shared/gen/throughline/routing/v1/routing_pb.ts";
import type { Log } from "../../shared/log.ts";
import type { ServiceClient } from "../../shared/rpc/index.ts";
import type { Metrics, Tracing } from "../../shared/telemetry/index.ts";
import type { JobsConfig } from "./config.ts";
import type { JobsDatabase } from "./db/open.ts";
import type { ObjectStore } from "./objects/store.ts";
import type { AddressCheck } from "./webhooks/address.ts";
import type { Courier } from "./webhooks/courier.ts";
import type { Secrets } from "./webhooks/secrets.ts";
import type { VendorCallbacks } from "./webhooks/vendor-callbacks.ts";

/** What jobs is given by its process. */
export interface JobsDeps {
  readonly log: Log;
  readonly tracing: Tracing;
  readonly metrics: Metrics;
  readonly provider: Pick<ServiceClient<typeof ProviderService>, "invoke">;
  readonly billing: Pick<
    ServiceClient<typeof BillingService>,
    "settle" | "extend" | "reserve" | "splitReservation" | "listBudgetUse" | "listLedger"
  >;
  readonly history: Pick<ServiceClient<typeof HistoryService>, "record">;
  readonly routing: Pick<ServiceClient<typeof RoutingService>, "listChannels">;
}

/** What its methods and its workers work with. */
export interface JobsContext extends JobsDeps {
  readonly config: JobsConfig;
  readonly db: JobsDatabase;
  readonly objects: ObjectStore;
  /** Between 0 and 1. */
  readonly random: () => number;
  readonly courier: Courier;
  readonly callbacks: VendorCallbacks;
  /** Judges the addresses that webhooks shall go to. */
  readonly addresses: AddressCheck;
  /** Seals what webhooks are signed with. */
  readonly secrets: Secrets;
}
