import { hostname } from "node:os";
import { BillingService } from "../../shared/gen/throughline/billing/v1/billing_pb.ts";
import { HistoryService } from "../../shared/gen/throughline/history/v1/history_pb.ts";
import { RoutingService } from "../../shared/gen/throughline/routing/v1/routing_pb.ts";
import { keepLease } from "../../shared/keep-lease.ts";
import { laneHabits } from "../../shared/lane-habits.ts";
import { createRequestIdSource } from "../../shared/request-id.ts";
import { runService } from "../../shared/run-service.ts";
import { envToConfig } from "./config.ts";
import { startProvider } from "./server.ts";

process.exitCode = await runService("provider-adapter", async ({ env, log, telemetry, client }) => {
  const routing = client(RoutingService, "ROUTING_TARGET", laneHabits.routing);
  const billing = client(BillingService, "BILLING_TARGET", laneHabits.billing);
  const history = client(HistoryService, "HISTORY_TARGET", laneHabits.history);
  const ids = createRequestIdSource({});
  const lease = await keepLease(routing, ids, `provider@${hostname()}:${process.pid}:${Date.now()}`, log);
  const service = await startProvider(envToConfig(env), {
    log,
    tracing: telemetry.tracer("provider-adapter"),
    metrics: telemetry.metrics,
    routing,
    billing,
    history,
    ids,
    env,
  });
  return {
    ...service,
    async stop() {
      await service.stop();
      await lease.stop();
    },
  };
});
