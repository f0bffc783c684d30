import { type ChildProcess, spawn } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePorts } from "../../shared/free-ports.ts";

/** A real Jaeger behind a real OpenTelemetry Collector with the configuration that we ship. */
export interface Backends extends AsyncDisposable {
  /** For OTEL_EXPORTER_OTLP_ENDPOINT, over HTTP. */
  readonly otlpHttp: string;
  /** The same over gRPC. */
  readonly otlpGrpc: string;
  /** A trace of Jaeger's; undefined: it has none of that ID. */
  trace(id: string): Promise<JaegerTrace | undefined>;
  /** Traces of a service with these tags. */
  search(service: string, tags: Readonly<Record<string, string>>): Promise<JaegerTrace[]>;
}

/** A trace as Jaeger's API gives it. */
export interface JaegerTrace {
  readonly traceID: string;
  readonly spans: readonly {
    readonly spanID: string;
    readonly operationName: string;
    readonly processID: string;
    readonly references: readonly { readonly refType: string; readonly spanID: string; readonly traceID: string }[];
    readonly tags: readonly { readonly key: string; readonly value: unknown }[];
  }[];
  readonly processes: Readonly<Record<string, { readonly serviceName: string }>>;
}

const shipped = new URL("../../deploy/observability/collector.yaml", import.meta.url);

/** Starts both. `jaeger`, `collector`: paths of the programs. `decisionWait`: as TRACES_DECISION_WAIT. */
export async function startBackends(jaeger: string, collector: string, decisionWait: string): Promise<Backends> {
  await using undo = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), "throughline-traces-"));
  undo.defer(() => rm(folder, { recursive: true, force: true }));
  const [store, queryGrpc, query, grpc, http, health] = (await freePorts(6)) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  const jaegerConfig = join(folder, "jaeger.yaml");
  await writeFile(jaegerConfig, configOf({ store, queryGrpc, query }));
  const collectorConfig = join(folder, "collector.yaml");
  const text = (await readFile(shipped, "utf8"))
    .replace("0.0.0.0:4317", `127.0.0.1:${grpc}`)
    .replace("0.0.0.0:4318", `127.0.0.1:${http}`)
    .replace("0.0.0.0:13133", `127.0.0.1:${health}`);
  await writeFile(collectorConfig, `${text}  telemetry: { metrics: { level: none } }\n`);
  undo.use(start(jaeger, ["--config", jaegerConfig]));
  const env = { TRACES_ENDPOINT: `127.0.0.1:${store}`, TRACES_DECISION_WAIT: decisionWait };
  undo.use(start(collector, ["--config", collectorConfig], env));
  await answers(`http://127.0.0.1:${query}/api/services`);
  await answers(`http://127.0.0.1:${health}/`);

  async function ask(path: string): Promise<JaegerTrace[]> {
    const response = await fetch(`http://127.0.0.1:${query}${path}`);
    const body = (await response.json()) as { data?: JaegerTrace[] | null };
    return response.ok ? (body.data ?? []) : [];
  }
  const kept = undo.move();
  return {
    otlpHttp: `http://127.0.0.1:${http}`,
    otlpGrpc: `http://127.0.0.1:${grpc}`,
    trace: async (id) => (await ask(`/api/traces/${id}`))[0],
    search: (service, tags) => {
      const asked = new URLSearchParams({ service, tags: JSON.stringify(tags), limit: "2000", lookback: "1h" });
      return ask(`/api/traces?${asked}`);
    },
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}

function configOf({ store, queryGrpc, query }: { store: number; queryGrpc: number; query: number }): string {
  return JSON.stringify({
    service: {
      extensions: ["jaeger_storage", "jaeger_query"],
      pipelines: { traces: { receivers: ["otlp"], processors: ["batch"], exporters: ["jaeger_storage_exporter"] } },
      telemetry: { metrics: { level: "none" } },
    },
    extensions: {
      jaeger_query: {
        storage: { traces: "memory" },
        http: { endpoint: `127.0.0.1:${query}` },
        grpc: { endpoint: `127.0.0.1:${queryGrpc}` },
      },
      jaeger_storage: { backends: { memory: { memory: { max_traces: 100_000 } } } },
    },
    receivers: { otlp: { protocols: { grpc: { endpoint: `127.0.0.1:${store}` } } } },
    processors: { batch: null },
    exporters: { jaeger_storage_exporter: { trace_storage: "memory" } },
  });
}

function start(program: string, args: readonly string[], env: Readonly<Record<string, string>> = {}): AsyncDisposable {
  const child: ChildProcess = spawn(program, args, { env: { ...process.env, ...env }, stdio: "ignore" });
  const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  return {
    async [Symbol.asyncDispose]() {
      child.kill("SIGTERM");
      await ended;
    },
  };
}

async function answers(url: string): Promise<void> {
  for (let tries = 0; tries < 300; tries += 1) {
    const response = await fetch(url).catch(() => undefined);
    if (response?.ok === true) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(`${url} does not answer`);
}
