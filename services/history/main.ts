import { runService } from "../../shared/run-service.ts";
import { envToConfig } from "./config.ts";
import { startHistory } from "./server.ts";

process.exitCode = await runService("history", ({ env, log, telemetry }) =>
  startHistory(envToConfig(env), { log, tracing: telemetry.tracer("history"), metrics: telemetry.metrics }),
);
