import { type ChildProcess, spawn } from "node:child_process";
import { renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { envToConfig as gatewayConfig } from "../gateway/config.ts";
import { readVendorKeys } from "../services/routing/live/vendor-keys.ts";
import { ConfigError, type Env } from "../shared/config.ts";
import { BillingService } from "../shared/gen/throughline/billing/v1/billing_pb.ts";
import { RoutingService } from "../shared/gen/throughline/routing/v1/routing_pb.ts";
import { httpUrl } from "../shared/http-url.ts";
import type { Log } from "../shared/log.ts";
import { tell } from "../shared/log-output.ts";
import { processEnv } from "../shared/process-env.ts";
import { createGrpcClient, createHealthCheck } from "../shared/rpc/index.ts";
import { runProcess, wrongUsage } from "../shared/run-process.ts";
import { heedSignals, supervisedFlag, tellToStop } from "../shared/signals.ts";
import { clientTls, peerSecrets } from "../shared/trust.ts";
import { watchOver } from "../shared/watchdog.ts";
import { ensureDefaultAccount } from "./default-account.ts";
import { openGround } from "./ground.ts";
import { meshAddresses } from "./mesh-addresses.ts";
import { metricsPorts } from "./metrics-ports.ts";
import { assertPortFree } from "./port.ts";
import { type Role, roleEnv } from "./role-env.ts";
import { roleFlags } from "./role-flags.ts";
import { firstModel, upstreamNames } from "./upstream-names.ts";
import { welcome } from "./welcome.ts";

/** The processes and where their code is. The gateway comes last: it needs the others to answer. */
const roles = {
  routing: "services/routing/main.ts",
  history: "services/history/main.ts",
  billing: "services/billing/main.ts",
  "provider-adapter": "services/provider-adapter/main.ts",
  jobs: "services/jobs/main.ts",
  gateway: "gateway/main.ts",
} as const satisfies Record<Role, string>;

/** Whose metrics are at METRICS_PORT, at the next one that is free, and so on. */
const metricsOrder: readonly Role[] = ["gateway", "routing", "billing", "provider-adapter", "history", "jobs"];
const restartAfterMs = 200;
/** What a process needs beyond its grace: its gateway settles and records (gateway/server.ts), a service lets go. */
const stopBeyondGraceMs = 60_000;
const readyWithinMs = 60_000;

/** Six processes on this machine over real gRPC; one that dies is started again. Gives the exit code. */
export function mesh(): Promise<number> {
  return runProcess("mesh", async (process, onStop) => {
    const { log, signal } = process;
    const config = gatewayConfig(process.env);
    await assertPortFree(config.host, config.port);
    const ground = await openGround(process, onStop);
    const read = processEnv.read(ground.env);
    const trust = { tls: clientTls(read), secret: peerSecrets(read)?.sent };
    const addresses = await meshAddresses(trust.tls !== undefined);
    onStop("addresses", async () => addresses.remove());
    const port = config.port === 0 ? addresses.edgePort : config.port;
    const env: Env = {
      ...ground.env,
      PORT: String(port),
      ROUTING_TARGET: addresses.target("routing"),
      HISTORY_TARGET: addresses.target("history"),
      BILLING_TARGET: addresses.target("billing"),
      PROVIDER_TARGET: addresses.target("provider-adapter"),
      JOBS_TARGET: addresses.target("jobs"),
    };
    const ports =
      config.metricsPort === undefined ? [] : await metricsPorts(config.metricsPort, metricsOrder.length, [port]);
    const metricsPortOf = (role: Role) => String(ports[metricsOrder.indexOf(role)] ?? 0);
    const pidFile = join(ground.dataFolder, "mesh.json");
    const pids: Partial<Record<Role, number>> = {};
    const noted = (role: Role, pid: number) => {
      pids[role] = pid;
      // Readers see the old or the new, never half of it.
      writeFileSync(`${pidFile}.new`, `${JSON.stringify(pids)}\n`);
      renameSync(`${pidFile}.new`, pidFile);
    };
    const refused = new AbortController();
    const starting = AbortSignal.any([signal, refused.signal]);
    const stopWithinMs = config.shutdownGraceMs + stopBeyondGraceMs;
    const vendorKeys = await readVendorKeys();
    for (const role of Object.keys(roles) as Role[]) {
      const place = { ...addresses.listen(role), METRICS_PORT: metricsPortOf(role) };
      const own = roleEnv(role, { ...env, ...place }, vendorKeys);
      // A process that cannot use its configuration has said why; starting it again would only say it again.
      const onRefused = () => refused.abort(new ConfigError(role, `${role} cannot use its configuration`));
      const child = keepRunning(role, own, { log, noted, onRefused, stopping: () => signal.aborted });
      onStop(role, () => child.stop(), stopWithinMs);
    }
    const client = createGrpcClient(BillingService, { target: addresses.target("billing"), ...trust });
    const key = await retryUntil(readyWithinMs, starting, () => ensureDefaultAccount(client, ground.keys));
    await client.close();
    const routes = createGrpcClient(RoutingService, { target: addresses.target("routing"), ...trust });
    const [upstreams, model] = await retryUntil(readyWithinMs, starting, () =>
      Promise.all([upstreamNames(routes), firstModel(routes)]),
    );
    await routes.close();
    const url = httpUrl(config.host, port);
    await retryUntil(readyWithinMs, starting, async () => {
      const response = await fetch(`${url}/readyz`);
      if (!response.ok) throw new Error(`the gateway is not ready: ${await response.text()}`);
    });
    const health = createHealthCheck(addresses.target("jobs"), trust);
    await retryUntil(readyWithinMs, starting, async () => {
      if (!(await health.healthy(1_000))) throw new Error("jobs is not ready");
    });
    health.close();
    tell(welcome(url, ground.welcomeKeys(key.secret), upstreams, model));
    if (ports.length > 0) tell(`  Metrics    ${metricsOrder.map((role, i) => `${role} ${ports[i]}`).join(", ")}\n\n`);
  });
}

/** Keeps one role running: a process that ends by itself is started again. */
function keepRunning(
  role: Role,
  env: Record<string, string>,
  {
    log,
    noted,
    onRefused,
    stopping: allStopping,
  }: { log: Log; noted: (role: Role, pid: number) => void; onRefused: () => void; stopping: () => boolean },
) {
  const file = fileURLToPath(new URL(`../${roles[role]}`, import.meta.url));
  let child: ChildProcess;
  let stopping = false;
  let ended = Promise.resolve();
  const start = () => {
    // A session of its own: Ctrl-C in the terminal goes to the whole group, and services that stop together cannot finish
    // each other's requests. What reaches all of them nevertheless (systemd) they tell us, and stop in our order.
    child = spawn(globalThis.process.execPath, [...roleFlags(role, env), file, supervisedFlag], {
      env,
      stdio: ["ignore", "inherit", "inherit", "ipc"],
      detached: true,
    });
    heedSignals(child, allStopping);
    const dismissWatchdog = child.pid === undefined ? () => undefined : watchOver(child.pid);
    if (child.pid !== undefined) noted(role, child.pid);
    ended = new Promise((resolve) => {
      child.once("exit", (code, signal) => {
        dismissWatchdog();
        resolve();
        if (stopping) return;
        if (code === wrongUsage) onRefused();
        log.warn({ role, code, signal }, "process ended; starting it again");
        setTimeout(() => stopping || start(), restartAfterMs);
      });
    });
  };
  start();
  return {
    async stop() {
      stopping = true;
      tellToStop(child);
      await ended;
    },
  };
}

async function retryUntil<T>(withinMs: number, signal: AbortSignal, run: () => Promise<T>): Promise<T> {
  const deadlineMs = performance.now() + withinMs;
  for (;;) {
    try {
      return await run();
    } catch (error) {
      if (signal.reason instanceof ConfigError) throw signal.reason;
      if (signal.aborted || performance.now() > deadlineMs) throw error;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
}
