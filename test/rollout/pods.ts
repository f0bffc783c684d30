import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../..", import.meta.url));

const files = {
  routing: "services/routing/main.ts",
  history: "services/history/main.ts",
  billing: "services/billing/main.ts",
  provider: "services/provider-adapter/main.ts",
  jobs: "services/jobs/main.ts",
  gateway: "gateway/main.ts",
} as const;

/** One of the six Deployments. */
export type Role = keyof typeof files;
export const roles = Object.keys(files) as readonly Role[];

/** A process with an address of its own on this machine, as a pod has. */
export interface Pod {
  readonly host: string;
  /** Where its probes and its metrics are. */
  readonly watchUrl: string;
  /** Null where its output goes to that of this program. */
  readonly output: Readable | null;
  signal(signal: NodeJS.Signals): void;
  /** SIGTERM; resolves with how long it took and how it ended. */
  stop(): Promise<{ readonly code: number | null; readonly tookMs: number }>;
}

/** What becomes of what pods say. */
export interface PodOptions {
  /** Their standard output is given to who started them. */
  readonly pipesOutput?: boolean;
}

/** Makes pods: hosts are 127.1.0.1 and on, so that all roles can have the same port. */
export function createPods(
  ports: { readonly grpc: number; readonly http: number; readonly firstMetrics: number },
  { pipesOutput = false }: PodOptions = {},
) {
  let made = 0;
  const running = new Set<ChildProcess>();
  return {
    /** Starts one and waits until it is ready, as its readiness probe would. */
    async start(role: Role, env: Readonly<Record<string, string>>): Promise<Pod> {
      made += 1;
      const host = `127.1.${Math.floor(made / 250)}.${(made % 250) + 1}`;
      const metricsPort = ports.firstMetrics + (made % 60);
      const child = spawn(join(root, "node_modules/.bin/node"), [join(root, files[role])], {
        env: {
          ...env,
          ...{ GRPC_HOST: host, GRPC_PORT: String(ports.grpc), HOST: host, PORT: String(ports.http) },
          METRICS_PORT: String(metricsPort),
        },
        stdio: ["ignore", pipesOutput ? "pipe" : "inherit", "inherit"],
      });
      running.add(child);
      child.once("exit", () => running.delete(child));
      const watchUrl = `http://127.0.0.1:${metricsPort}`;
      for (let asked = 0; ; asked += 1) {
        const answer = await fetch(`${watchUrl}/readyz`).catch(() => undefined);
        if (answer?.ok) break;
        if (asked > 1_200 || child.exitCode !== null) {
          const said = child.stdout?.read()?.toString().slice(-2_000) ?? "";
          throw new Error(`${role} did not become ready: code ${child.exitCode}, ${await answer?.text()}\n${said}`);
        }
        await sleep(100);
      }
      return {
        host,
        watchUrl,
        output: child.stdout,
        signal: (signal) => void child.kill(signal),
        async stop() {
          const startedMs = performance.now();
          const exit = once(child, "exit");
          child.kill("SIGTERM");
          const [code] = (await exit) as [number | null];
          return { code, tookMs: Math.round(performance.now() - startedMs) };
        },
      };
    },
    killAll() {
      for (const child of running) child.kill("SIGKILL");
    },
  };
}
