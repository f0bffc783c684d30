import { HistoryService } from "../../shared/gen/throughline/history/v1/history_pb.ts";
import { laneHabits } from "../../shared/lane-habits.ts";
import { runService } from "../../shared/run-service.ts";
import { envToConfig } from "./config.ts";
import { startBilling } from "./server.ts";

/** Runs billing as a process of its own. Gives the exit code. */
export function runBilling(): Promise<number> {
  return runService("billing", ({ env, log, telemetry, client }) =>
    startBilling(envToConfig(env), {
      log,
      tracing: telemetry.tracer("billing"),
      metrics: telemetry.metrics,
      history: client(HistoryService, "HISTORY_TARGET", laneHabits.history),
    }),
  );
}
