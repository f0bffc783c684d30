import { hostname } from "node:os";
import { RoutingService } from "../../shared/gen/throughline/routing/v1/routing_pb.ts";
import { keepLease } from "../../shared/keep-lease.ts";
import { createRequestIdSource } from "../../shared/request-id.ts";
import { laneHabits, runService } from "../../shared/run-service.ts";
import { envToConfig } from "./config.ts";
import { startProvider } from "./server.ts";

process.exitCode = await runService("provider-adapter", async ({ env, log, telemetry, client }) => {
  const routing = client(RoutingService, "ROUTING_TARGET", laneHabits.routing);
  const ids = createRequestIdSource({});
  const lease = await keepLease(routing, ids, `provider@${hostname()}:${process.pid}:${Date.now()}`, log);
  const service = await startProvider(envToConfig(env), {
    log,
    tracing: telemetry.tracer("provider-adapter"),
    metrics: telemetry.metrics,
    routing,
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
