import { runService } from "../../shared/run-service.ts";
import { envToConfig } from "./config.ts";
import { startRouting } from "./server.ts";

/** Runs routing as a process of its own. Gives the exit code. */
export function runRouting(): Promise<number> {
  return runService("routing", ({ env, log, telemetry }) =>
    startRouting(envToConfig(env), { log, tracing: telemetry.tracer("routing"), metrics: telemetry.metrics }),
  );
}
