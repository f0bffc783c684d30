import { hostname } from "node:os";
import { BillingService } from "../shared/gen/throughline/billing/v1/billing_pb.ts";
import { HistoryService } from "../shared/gen/throughline/history/v1/history_pb.ts";
import { JobsService } from "../shared/gen/throughline/jobs/v1/jobs_pb.ts";
import { ProviderService } from "../shared/gen/throughline/provider/v1/provider_pb.ts";
import { RoutingService } from "../shared/gen/throughline/routing/v1/routing_pb.ts";
import { keepLease } from "../shared/keep-lease.ts";
import { laneHabits } from "../shared/lane-habits.ts";
import { serveMetrics } from "../shared/metrics-server.ts";
import { createRequestIdSource } from "../shared/request-id.ts";
import { runProcess } from "../shared/run-process.ts";
import { envToConfig } from "./config.ts";
import { createNeeds } from "./needs.ts";
import { startGateway, stopsWithinMs } from "./server.ts";

/** Time within which a service must answer to count as there. The first server that is asked has half of it (health.ts). */
const readyTimeoutMs = 1_000;

/** Runs the gateway as a process of its own, with the services over gRPC. Gives the exit code. */
export function runGateway(): Promise<number> {
  return runProcess(
    "gateway",
    async ({ env, log, telemetry, client }, onStop) => {
      const config = envToConfig(env);
      const watched = config.metricsPort === undefined ? undefined : await serveMetrics(config.metricsPort, telemetry);
      if (watched !== undefined) onStop("metrics", () => watched.stop());
      const routing = client(RoutingService, "ROUTING_TARGET", laneHabits.routing);
      const billing = client(BillingService, "BILLING_TARGET", laneHabits.billing);
      const provider = client(ProviderService, "PROVIDER_TARGET", laneHabits.provider);
      const history = client(HistoryService, "HISTORY_TARGET", laneHabits.history);
      const jobs = client(JobsService, "JOBS_TARGET", laneHabits.jobs);
      const ids = createRequestIdSource({});
      const lease = await keepLease(routing, ids, `gateway@${hostname()}:${process.pid}:${Date.now()}`, log);
      onStop("node lease", () => lease.stop());
      const services = { routing, billing, provider, history, jobs };
      const gateway = await startGateway(config, {
        ...services,
        log,
        tracing: telemetry.tracer("gateway"),
        metrics: telemetry.metrics,
        metricsFor: (accept) => telemetry.metricsFor(accept),
        ids,
        watched,
        standing: createNeeds(
          Object.fromEntries(
            Object.entries(services).map(([name, service]) => [name, () => service.healthy(readyTimeoutMs)]),
          ),
        ),
      });
      onStop("gateway", () => gateway.stop(), stopsWithinMs(config) + 5_000);
      log.info({ url: gateway.url }, "ready");
    },
    { peers: true },
  );
}
