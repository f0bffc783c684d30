import { create } from "@bufbuild/protobuf";
import type { BillingService } from "../../shared/gen/throughline/billing/v1/billing_pb.ts";
import { FindUnfinishedResponseSchema } from "../../shared/gen/throughline/history/v1/history_pb.ts";
import { createLog } from "../../shared/log.ts";
import { type ClientControl, createInProcessClient, type ServiceClient } from "../../shared/rpc/index.ts";
import { createTelemetry, telemetryConfig } from "../../shared/telemetry/index.ts";
import type { BillingConfig } from "./config.ts";
import { type BillingDeps, startBilling } from "./server.ts";

export type BillingClient = ServiceClient<typeof BillingService> & ClientControl;

/** A billing service on a database, with a client. */
export interface TestBilling extends AsyncDisposable {
  readonly client: BillingClient;
  readonly config: BillingConfig;
  stop(): Promise<void>;
}

export const pepper = "a pepper for the tests";

/** A history that knows every request's end. */
export const knowingHistory: BillingDeps["history"] = {
  findUnfinished: async () => create(FindUnfinishedResponseSchema),
  record: {
    call: () => Promise.reject(new Error("history needs no telling in this test")),
    open: () => {
      throw new Error("not a stream");
    },
  },
};

export const silent = createLog({ service: "billing", level: "silent" });

/** Starts one replica of billing on a database. */
export async function startReplica(
  url: string,
  overrides: Partial<BillingConfig> = {},
  deps: Partial<BillingDeps> = {},
): Promise<TestBilling> {
  const telemetry = createTelemetry(telemetryConfig({ OTEL_SDK_DISABLED: "true" }), {
    service: "billing",
    log: silent,
  });
  const config: BillingConfig = {
    databaseUrl: url,
    databasePoolSize: 6,
    migrate: true,
    keyPepper: pepper,
    reservationTtlMs: 60_000,
    sweepIntervalMs: 60_000,
    reconcileLagMs: 30_000,
    reconcileIntervalMs: 60_000,
    valkeyUrl: undefined,
    valkeyFallback: "refuse",
    ...overrides,
  };
  const running = await startBilling(config, {
    log: silent,
    tracing: telemetry.tracer("billing"),
    metrics: telemetry.metrics,
    history: knowingHistory,
    ...deps,
  });
  const client = createInProcessClient(running.definition);
  const stop = async (): Promise<void> => {
    await client.close();
    await running.stop();
    await telemetry.shutdown();
  };
  return { client, config, stop, [Symbol.asyncDispose]: stop };
}
