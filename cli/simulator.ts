import { gatewayEnv } from "../gateway/config.ts";
import { createSimulator } from "../services/simulator/simulator.ts";
import { runProcess } from "../shared/run-process.ts";

/** Runs the simulated upstream as a process of its own, on HOST and PORT. Gives the exit code. */
export function simulator(): Promise<number> {
  return runProcess("simulator", async ({ env, log }, onStop) => {
    const { HOST: host, PORT: port } = gatewayEnv.read(env);
    const running = await createSimulator({ host, port, log });
    onStop("simulator", () => running.close());
  });
}
