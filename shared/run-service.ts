import { createServer } from "node:http";
import type { DescService } from "@bufbuild/protobuf";
import { type Env, readEnv } from "./config.ts";
import { declareEnv } from "./config-declare.ts";
import { createLifecycle, runUntilSignal } from "./lifecycle.ts";
import { createLog, createLogOutput, flushLog, type Log } from "./log.ts";
import { createGrpcClient, type ServiceClient, type ServiceDefinition, startGrpcServer } from "./rpc/index.ts";
import { createTelemetry, metricsContentType, type Telemetry, telemetryConfig } from "./telemetry/index.ts";

/** Variables that every service process reads. */
export const processEnv = declareEnv({
  GRPC_HOST: { kind: "string", default: "0.0.0.0", description: "Address that a service listens on for gRPC." },
  GRPC_PORT: {
    kind: "int",
    default: 50_051,
    min: 0,
    max: 65_535,
    description: "Port that a service listens on for gRPC.",
  },
  METRICS_PORT: {
    kind: "int",
    default: 0,
    min: 0,
    max: 65_535,
    description:
      "Port of a service's Prometheus metrics (GET /metrics); 0: none. The gateway serves them beside its API.",
  },
  LOG_LEVEL: {
    kind: "choice",
    choices: ["trace", "debug", "info", "warn", "error", "fatal", "silent"],
    default: "info",
    description: "Lowest level that is logged.",
  },
  ROUTING_TARGET: { kind: "string", default: "dns:///routing:50051", description: "gRPC target of routing." },
  BILLING_TARGET: { kind: "string", default: "dns:///billing:50051", description: "gRPC target of billing." },
  PROVIDER_TARGET: {
    kind: "string",
    default: "dns:///provider-adapter:50051",
    description: "gRPC target of provider-adapter.",
  },
  HISTORY_TARGET: { kind: "string", default: "dns:///history:50051", description: "gRPC target of history." },
});

/** Name of a variable that holds a service's target. */
type TargetVariable = "ROUTING_TARGET" | "BILLING_TARGET" | "PROVIDER_TARGET" | "HISTORY_TARGET";

/** What a process has before its service starts. */
export interface ServiceProcess {
  readonly env: Env;
  readonly log: Log;
  /** A log for one of several services of this process; lines go where `log`'s go. */
  logFor(service: string): Log;
  readonly telemetry: Telemetry;
  /** A client of another service, closed after this one has stopped. `idempotent`: lane methods that may be sent twice. */
  client<S extends DescService>(
    service: S,
    target: TargetVariable,
    idempotent?: string[],
  ): ServiceClient<S> & { ready(timeoutMs: number): Promise<void> };
}

/** A service that runs: what it answers, and how it stops. */
export interface RunningService<S extends DescService = DescService> {
  /** What it answers to. */
  readonly definition: ServiceDefinition<S>;
  /** Whether a call would succeed now. */
  ready(): Promise<boolean>;
  /** Finishes what it has begun and lets go of what it holds. */
  stop(): Promise<void>;
}

/** Calls that are safe to send again on another lane, by service. */
export const idempotentMethods = {
  routing: ["resolve"],
  billing: ["authenticate", "reserve", "settle"],
  provider: [],
  history: ["record"],
};

const readyEveryMs = 1_000;

/**
 * Runs one process: configuration, log, telemetry, start, signals, stop in reverse order. Gives its exit code.
 *
 * @param name service name on logs and spans.
 * @param start builds what the process runs; what it registers with `onStop` is stopped in reverse order.
 */
export async function runProcess(
  name: string,
  start: (
    process: ServiceProcess,
    onStop: (name: string, run: () => Promise<void>, timeoutMs?: number) => void,
  ) => Promise<void>,
): Promise<number> {
  const env = readEnv();
  const read = processEnv.read(env);
  const destination = createLogOutput();
  const logFor = (service: string) => createLog({ service, level: read.LOG_LEVEL, destination });
  const log = logFor(name);
  const lifecycle = createLifecycle(log);
  const telemetry = createTelemetry(telemetryConfig(env), { service: name, log });
  lifecycle.onStop("telemetry", () => telemetry.shutdown());
  const process: ServiceProcess = {
    env,
    log,
    logFor,
    telemetry,
    client(service, target, idempotent = []) {
      const client = createGrpcClient(service, { target: read[target], idempotent });
      lifecycle.onStop(`client of ${service.typeName}`, () => client.close());
      return client;
    },
  };
  const ended = runUntilSignal(lifecycle, log);
  try {
    await start(process, (step, run, timeoutMs = 60_000) => lifecycle.onStop(step, run, { timeoutMs }));
  } catch (error) {
    log.fatal({ err: error }, "could not start");
    await lifecycle.stop("failed start");
    await flushLog(log);
    return 1;
  }
  const code = await ended;
  await flushLog(log);
  return code;
}

/** Runs one of the four services as a process of its own: gRPC server, health, metrics. Gives the exit code. */
export function runService(name: string, start: (process: ServiceProcess) => Promise<RunningService>): Promise<number> {
  return runProcess(name, async (process, onStop) => {
    const { env, log, telemetry } = process;
    const read = processEnv.read(env);
    const service = await start(process);
    onStop(name, () => service.stop());
    const server = await startGrpcServer([service.definition], { host: read.GRPC_HOST, port: read.GRPC_PORT, log });
    const watch = setInterval(() => {
      service.ready().then(
        (ready) => server.setServing(ready),
        () => server.setServing(false),
      );
    }, readyEveryMs);
    onStop("grpc server", async () => {
      clearInterval(watch);
      server.setServing(false);
      await server.close(10_000);
    });
    server.setServing(await service.ready());
    if (read.METRICS_PORT !== 0) onStop("metrics", await serveMetrics(read.METRICS_PORT, telemetry));
    log.info({ port: server.port }, "ready");
  });
}

/** Serves GET /metrics; gives the way to stop it. */
async function serveMetrics(port: number, telemetry: Telemetry): Promise<() => Promise<void>> {
  const server = createServer((request, response) => {
    if (request.url !== "/metrics") return void response.writeHead(404).end();
    telemetry.metricsText().then(
      (text) => response.writeHead(200, { "content-type": metricsContentType }).end(text),
      () => response.writeHead(500).end(),
    );
  });
  await new Promise<void>((resolve, reject) => server.once("error", reject).listen(port, resolve));
  return () => new Promise((resolve) => server.close(() => resolve()));
}
