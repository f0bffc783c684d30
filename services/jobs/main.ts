import { BillingService } from "../../shared/gen/throughline/billing/v1/billing_pb.ts";
import { HistoryService } from "../../shared/gen/throughline/history/v1/history_pb.ts";
import { ProviderService } from "../../shared/gen/throughline/provider/v1/provider_pb.ts";
import { RoutingService } from "../../shared/gen/throughline/routing/v1/routing_pb.ts";
import { laneHabits } from "../../shared/lane-habits.ts";
import { runService } from "../../shared/run-service.ts";
import { envToConfig } from "./config.ts";
import { startJobs } from "./server.ts";

process.exitCode = await runService("jobs", ({ env, log, telemetry, client }) =>
  startJobs(envToConfig(env), {
    log,
    tracing: telemetry.tracer("jobs"),
    metrics: telemetry.metrics,
    provider: client(ProviderService, "PROVIDER_TARGET", laneHabits.provider),
    billing: client(BillingService, "BILLING_TARGET", laneHabits.billing),
    history: client(HistoryService, "HISTORY_TARGET", laneHabits.history),
    routing: client(RoutingService, "ROUTING_TARGET", laneHabits.routing),
  }),
);
