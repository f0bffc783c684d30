import { silentLog } from "../../shared/db/testing.ts";
import { Module } from "../../shared/gen/throughline/common/v1/common_pb.ts";
import type { Log } from "../../shared/log.ts";
import { createInProcessClient } from "../../shared/rpc/index.ts";
import { createPassiveTracing, type Metrics, type ObservedValue } from "../../shared/telemetry/index.ts";
import { envToConfig } from "./config.ts";
import { type RoutingDeps, startRouting } from "./server.ts";

export const credentialKey = Buffer.alloc(32, 9).toString("base64");
export const call = { timeoutMs: 5_000 };
const log = { ...silentLog, fatal: () => undefined } as unknown as Log;

/** Starts routing on a database; `env` over a simulator and fast polls. */
export async function startTestRouting(url: string, env: Record<string, string> = {}, deps: Partial<RoutingDeps> = {}) {
  const known: string[][] = [];
  const config = envToConfig({
    DATABASE_URL: url,
    DATABASE_POOL_SIZE: "3",
    SIMULATOR_URL: "http://127.0.0.1:9999",
    CREDENTIAL_KEY: credentialKey,
    CONFIG_POLL_MS: "60s",
    ...env,
  });
  const observed = new Map<ObservedValue, () => number>();
  const metrics = {
    knowModels: (names: Iterable<string>) => known.push([...names]),
    observe(value: ObservedValue, read: () => number) {
      observed.set(value, read);
      return () => void observed.delete(value);
    },
  } as unknown as Metrics;
  const service = await startRouting(config, { log, tracing: createPassiveTracing(), metrics, ...deps });
  const client = createInProcessClient(service.definition);
  const resolve = (model: string, group = "default") =>
    client.resolve.call({ group, model, module: Module.CHAT }, { ...call, requestId: 7n });
  return {
    ...client,
    service,
    known,
    /** What a scrape would read. */
    scrape: (value: ObservedValue) => observed.get(value)?.(),
    route: resolve,
    channelsOf: async (model: string) => (await resolve(model)).candidates.map(({ channel }) => channel),
    async [Symbol.asyncDispose]() {
      await client.close();
      await service.stop();
    },
  };
}

/** Waits until `check` stops throwing. */
export async function eventually(check: () => Promise<void>, withinMs = 4_000): Promise<void> {
  const endMs = performance.now() + withinMs;
  for (;;) {
    try {
      return await check();
    } catch (error) {
      if (performance.now() > endMs) throw error;
      await new Promise((done) => setTimeout(done, 20));
    }
  }
}
