import { type ChildProcess, spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { createSimulator, type Simulator } from "../../services/simulator/simulator.ts";
import { createDatabase, type Database } from "../../shared/db/index.ts";
import { silentLog, testPostgres } from "../../shared/db/testing.ts";
import { startTestCollector, type TestCollector } from "../../shared/telemetry/testing-collector.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const node = join(root, "node_modules/.bin/node");
const startWithinMs = 60_000;

/** How Throughline runs: everything in one process, or six processes over gRPC. */
export type Mode = "up" | "mesh";

/** One line of a log. */
export type LogLine = Readonly<Record<string, unknown>>;

/** A Throughline of its own: processes as a user starts them, on a fresh database, an upstream and a collector of the test. */
export interface Deployment extends AsyncDisposable {
  readonly mode: Mode;
  /** Base URL of the edge, without a slash at its end. */
  readonly url: string;
  /** The bootstrap API key. */
  readonly key: string;
  readonly simulator: Simulator;
  readonly collector: TestCollector;
  /** Reads any schema, with the rights of the owner. */
  readonly db: Database<unknown>;
  /** Every line that the processes logged so far. */
  readonly logs: readonly LogLine[];
  /** All of standard output and error so far. */
  output(): string;
  /** Calls the edge with the bootstrap key. */
  call(
    path: string,
    body?: unknown,
    headers?: Readonly<Record<string, string>>,
    signal?: AbortSignal,
  ): Promise<Response>;
  /** Process ID of a role of the mesh, or of the one process. */
  pid(role: string): number;
  /** Ends it by a signal; gives the exit code. */
  stop(signal?: NodeJS.Signals): Promise<number | null>;
}

/** The fixed first key of every deployment. */
export const bootstrapKey = "tl-e2e-0123456789abcdef";

/**
 * Starts a deployment and waits until it is ready.
 *
 * @param env more environment, e.g. shorter times; `OPENAI_API_KEY: ""` leaves the usual models to what the test brings.
 * @param databaseUrl an existing database, for second starts; otherwise a fresh one.
 */
export async function startDeployment(
  mode: Mode,
  env: Readonly<Record<string, string>> = {},
  databaseUrl?: string,
): Promise<Deployment> {
  const undo = new AsyncDisposableStack();
  try {
    const folder = await mkdtemp(join(tmpdir(), "throughline-e2e-"));
    undo.defer(() => rm(folder, { recursive: true, force: true }));
    let url = databaseUrl;
    if (url === undefined) url = undo.use(await testPostgres()).url;
    const db = createDatabase<unknown>({
      url,
      schema: "public",
      maxConnections: 2,
      applicationName: "e2e",
      log: silentLog,
    });
    undo.defer(() => db.close());
    const simulator = await createSimulator({});
    undo.defer(() => simulator.close());
    const collector = await startTestCollector();
    undo.defer(() => collector.stop());
    const started = run(mode, {
      PATH: process.env.PATH ?? "",
      NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE ?? "",
      THROUGHLINE_DATA: folder,
      THROUGHLINE_BOOTSTRAP_KEY: bootstrapKey,
      DATABASE_URL: url,
      // Secrets outlive the folder where a test starts twice on one database.
      KEY_PEPPER: Buffer.alloc(32, 7).toString("base64"),
      CREDENTIAL_KEY: Buffer.alloc(32, 9).toString("base64"),
      SIMULATOR_URL: `${simulator.url}/v1`,
      // The usual models as a vendor serves them, at their prices; the simulator alone would lend their names for nothing.
      OPENAI_API_KEY: "sk-of-the-upstream",
      OPENAI_BASE_URL: `${simulator.url}/v1`,
      MODEL_LIST_EVERY_MS: "0",
      PORT: "0",
      OTEL_EXPORTER_OTLP_ENDPOINT: collector.endpoint,
      OTEL_BSP_SCHEDULE_DELAY: "50ms",
      KEY_CACHE_MS: "1s",
      SHUTDOWN_GRACE_MS: "5s",
      ...env,
    });
    undo.defer(async () => void (await started.stop("SIGTERM")));
    const baseUrl = await started.ready;
    return {
      mode,
      url: baseUrl,
      key: bootstrapKey,
      simulator,
      collector,
      db,
      logs: started.logs,
      output: started.output,
      call: (path, body, headers = {}, signal) =>
        fetch(baseUrl + path, {
          method: body === undefined ? "GET" : "POST",
          headers: {
            authorization: `Bearer ${bootstrapKey}`,
            ...(body === undefined || body instanceof FormData ? {} : { "content-type": "application/json" }),
            ...headers,
          },
          ...(body === undefined
            ? {}
            : { body: typeof body === "string" || body instanceof FormData ? body : JSON.stringify(body) }),
          ...(signal === undefined ? {} : { signal }),
        }),
      pid(role) {
        if (mode === "up") return started.pid;
        const pids: unknown = JSON.parse(readFileSync(join(folder, "mesh.json"), "utf8"));
        const pid: unknown = typeof pids === "object" && pids !== null ? Reflect.get(pids, role) : undefined;
        if (typeof pid !== "number") throw new Error(`no process of ${role}`);
        return pid;
      },
      stop: started.stop,
      [Symbol.asyncDispose]: () => undo.disposeAsync(),
    };
  } catch (error) {
    await undo.disposeAsync();
    throw error;
  }
}

function run(mode: Mode, env: Readonly<Record<string, string>>) {
  const child: ChildProcess = spawn(node, [join(root, "cli/main.ts"), mode], {
    env,
    stdio: ["ignore", "pipe", "pipe"],
  });
  const logs: LogLine[] = [];
  let text = "";
  let rest = "";
  const { promise: ready, resolve, reject } = Promise.withResolvers<string>();
  const timer = setTimeout(() => reject(new Error(`not ready in time:\n${text}`)), startWithinMs);
  const take = (chunk: Buffer) => {
    text += chunk.toString();
    rest += chunk.toString();
    const lines = rest.split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) {
      const parsed = parseLine(line);
      if (parsed !== undefined) logs.push(parsed);
      const url = /Base URL {3}(\S+)\/v1/.exec(line)?.[1];
      if (url !== undefined) resolve(url);
    }
  };
  child.stdout?.on("data", take);
  child.stderr?.on("data", take);
  const ended = new Promise<number | null>((done) => child.once("exit", (code) => done(code)));
  void ended.then((code) => reject(new Error(`ended with ${code} before it was ready:\n${text}`)));
  return {
    pid: child.pid ?? 0,
    logs,
    output: () => text,
    ready: ready.finally(() => clearTimeout(timer)),
    stop(signal: NodeJS.Signals = "SIGTERM") {
      if (child.exitCode === null && child.signalCode === null) child.kill(signal);
      return ended;
    },
  };
}

function parseLine(line: string): LogLine | undefined {
  if (!line.startsWith("{")) return undefined;
  try {
    return JSON.parse(line) as LogLine;
  } catch {
    return undefined;
  }
}

/** Waits until `look` gives something; looks again every 20 ms. For states that no event tells, e.g. rows of a table. */
export async function eventually<T>(look: () => Promise<T | undefined> | T | undefined, withinMs = 10_000): Promise<T> {
  const deadline = performance.now() + withinMs;
  for (;;) {
    const found = await look();
    if (found !== undefined) return found;
    if (performance.now() > deadline)
      throw new Error(`nothing within ${withinMs} ms: ${look.toString().slice(0, 200)}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
