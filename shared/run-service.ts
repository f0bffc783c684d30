import type { DescService } from "@bufbuild/protobuf";
import { watchCertificate } from "./certificate-watch.ts";
import { ConfigError, configLines, type Env, readEnv } from "./config.ts";
import { declareEnv } from "./config-declare.ts";
import { followExtraAuthorities } from "./extra-authorities.ts";
import { createLifecycle, runUntilSignal } from "./lifecycle.ts";
import { createLog, flushLog, type Log } from "./log.ts";
import { createLogOutput, type LogOutput, tell } from "./log-output.ts";
import { metricsPort, serveMetrics } from "./metrics-server.ts";
import { createReadiness } from "./readiness.ts";
import {
  type ClientOptions,
  createGrpcClient,
  createHealthCheck,
  type HealthCheck,
  type ServiceClient,
  type ServiceDefinition,
  startGrpcServer,
} from "./rpc/index.ts";
import { stayWarm } from "./stay-warm.ts";
import {
  createTelemetry,
  type OtlpLogs,
  openOtlpLogs,
  rpcSpans,
  type Telemetry,
  telemetryConfig,
} from "./telemetry/index.ts";
import { assertTlsFiles, assertTrust, assertWholePair, clientTls, peerSecrets, serverTls, tlsFiles } from "./trust.ts";
import { version } from "./version.ts";
import { warmSoon } from "./warm-soon.ts";
import { keepAllocationsYoung } from "./young-allocations.ts";

/** Variables that every service process reads. */
export const processEnv = declareEnv({
  GRPC_HOST: {
    kind: "string",
    default: "0.0.0.0",
    description: "Address that a service listens on for gRPC, or `unix:/path` for a socket in the file system.",
  },
  GRPC_PORT: {
    kind: "int",
    default: 50_051,
    min: 0,
    max: 65_535,
    description: "Port that a service listens on for gRPC.",
  },
  METRICS_PORT: metricsPort,
  SHUTDOWN_GRACE_MS: {
    kind: "duration",
    default: 30_000,
    min: 0,
    max: 86_400_000,
    description: "Longest time that a stopping process waits for running requests.",
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
  GRPC_TLS_CERT_FILE: {
    kind: "string",
    description: "Certificate (PEM) of this process; with GRPC_TLS_KEY_FILE all gRPC between processes is TLS.",
  },
  GRPC_TLS_KEY_FILE: { kind: "string", description: "Private key (PEM) of GRPC_TLS_CERT_FILE." },
  GRPC_TLS_CA_FILE: {
    kind: "string",
    description: "Authorities (PEM) whose certificates are taken from servers and asked of clients.",
  },
  NODE_EXTRA_CA_CERTS: {
    kind: "string",
    description:
      "Further authorities (PEM) that servers outside are trusted by: upstreams, receivers of webhooks, the object store, Valkey, the collector. Read again when it changes.",
  },
  HISTORY_TARGET: { kind: "string", default: "dns:///history:50051", description: "gRPC target of history." },
  JOBS_TARGET: { kind: "string", default: "dns:///jobs:50051", description: "gRPC target of jobs." },
  GRPC_SECRET: {
    kind: "secret",
    description:
      "Secret that the processes know each other by, at least 128 bits; required unless all three GRPC_TLS_* are set. Several with commas: the first is sent, all are accepted. `up` and `mesh` make their own.",
  },
});

/** Name of a variable that holds a service's target. */
type TargetVariable = "ROUTING_TARGET" | "BILLING_TARGET" | "PROVIDER_TARGET" | "HISTORY_TARGET" | "JOBS_TARGET";

/** What a process has before its service starts. */
export interface ServiceProcess {
  readonly env: Env;
  readonly log: Log;
  /** A log for one of several services of this process; lines go where `log`'s go. */
  logFor(service: string): Log;
  readonly telemetry: Telemetry;
  /** Aborts when stopping begins, which may be before all has started. */
  readonly signal: AbortSignal;
  /** A client of another service, closed after this one has stopped. */
  client<S extends DescService>(service: S, target: TargetVariable, lanes: LaneHabits): ServiceClient<S> & HealthCheck;
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

/** Which lane methods may be sent twice, which are answered at once, which have a caller who waits, and which wait for others to travel with. */
export type LaneHabits = Pick<ClientOptions, "idempotent" | "prompt" | "lingerMs" | "waited">;

/** How each service's lanes are called. */
export const laneHabits = {
  routing: { idempotent: ["resolve"], prompt: ["resolve"], waited: ["resolve"] },
  // Nobody waits for these two, and a message of a lane costs as much as ten items in it.
  billing: {
    idempotent: ["authenticate", "reserve", "settle"],
    prompt: ["authenticate", "reserve"],
    waited: ["authenticate", "reserve"],
    lingerMs: { settle: 10 },
  },
  provider: { waited: ["invoke"] },
  history: { idempotent: ["record"], lingerMs: { record: 10 } },
  jobs: {},
} as const satisfies Record<string, LaneHabits>;

/** Exit code of a process whose configuration cannot be used. */
export const wrongUsage = 2;
/** Time that a stopped process may take to end by itself. */
const lingerMs = 2_000;
const readyEveryMs = 1_000;

/**
 * Runs one process: configuration, log, telemetry, start, signals, stop in reverse order. Gives its exit code.
 *
 * @param name service name on logs and spans.
 * @param start builds what the process runs; what it registers with `onStop` is stopped in reverse order.
 * @param options `peers`: it speaks gRPC with other processes, so it must be told how they know each other.
 */
export async function runProcess(
  name: string,
  start: (
    process: ServiceProcess,
    onStop: (name: string, run: () => Promise<void>, timeoutMs?: number) => void,
  ) => Promise<void>,
  { peers }: { peers: boolean } = { peers: false },
): Promise<number> {
  keepAllocationsYoung();
  stayWarm();
  warmSoon();
  let env: Env;
  let read: ReturnType<typeof processEnv.read>;
  let tracingConfig: ReturnType<typeof telemetryConfig>;
  try {
    env = readEnv();
    read = processEnv.read(env);
    assertWholePair(read);
    assertTlsFiles(env, read);
    peerSecrets(read);
    if (peers) assertTrust(read);
    tracingConfig = telemetryConfig(env);
  } catch (error) {
    tell(error instanceof ConfigError ? configLines(name, error) : `${name}: ${error}\n`, "stderr");
    return wrongUsage;
  }
  const output = createLogOutput();
  const logs = await openOtlpLogs(tracingConfig, {
    ...{ service: name, version },
    onFailed: (err) => log.warn({ err }, "log lines could not be exported"),
  });
  const destination = logs === undefined ? output : alsoTo(output, logs);
  const logFor = (service: string) => createLog({ service, level: read.LOG_LEVEL, destination });
  const log = logFor(name);
  const lifecycle = createLifecycle(log);
  const telemetry = createTelemetry(tracingConfig, { service: name, log, version });
  const spans = telemetry.tracing ? rpcSpans(telemetry.tracer(name)) : undefined;
  if (logs !== undefined) lifecycle.onStop("log export", () => logs.shutdown());
  lifecycle.onStop("telemetry", () => telemetry.shutdown());
  const process: ServiceProcess = {
    env,
    log,
    logFor,
    telemetry,
    signal: lifecycle.signal,
    client(service, target, lanes) {
      const tls = clientTls(read);
      const secret = peerSecrets(read)?.sent;
      const client = createGrpcClient(service, { ...lanes, target: read[target], tls, secret, log, spans });
      const health = createHealthCheck(read[target], { tls, secret });
      lifecycle.onStop(`client of ${service.typeName}`, async () => {
        health.close();
        await client.close();
      });
      return { ...client, ...health };
    },
  };
  watchFiles(read, process, lifecycle);
  const ended = runUntilSignal(lifecycle, { log });
  try {
    await start(process, (step, run, timeoutMs = 60_000) => lifecycle.onStop(step, run, { timeoutMs }));
  } catch (error) {
    // Told to stop while it started, it has failed at nothing.
    if (lifecycle.signal.aborted) return await exitCode();
    if (error instanceof ConfigError) tell(configLines(name, error), "stderr");
    else log.fatal({ err: error }, "could not start");
    await lifecycle.stop("failed start");
    await flushLog(log);
    setTimeout(() => globalThis.process.exit(1), lingerMs).unref();
    return error instanceof ConfigError ? wrongUsage : 1;
  }
  return await exitCode();

  async function exitCode(): Promise<number> {
    const code = await ended;
    await flushLog(log);
    // Everything is stopped; a handle that something still holds must not keep the process.
    setTimeout(() => globalThis.process.exit(code), lingerMs).unref();
    return code;
  }
}

/** Runs one of the services as a process of its own: gRPC server, health, metrics. Gives the exit code. */
export function runService(name: string, start: (process: ServiceProcess) => Promise<RunningService>): Promise<number> {
  return runProcess(
    name,
    async (process, onStop) => {
      const { env, log, telemetry } = process;
      const read = processEnv.read(env);
      const watched = read.METRICS_PORT === 0 ? undefined : await serveMetrics(read.METRICS_PORT, telemetry);
      if (watched !== undefined) onStop("metrics", () => watched.stop());
      const service = await start(process);
      onStop(name, () => service.stop());
      const server = await startGrpcServer([service.definition], {
        host: read.GRPC_HOST,
        port: read.GRPC_PORT,
        log,
        tls: serverTls(read),
        secrets: peerSecrets(read),
        spans: telemetry.tracing ? rpcSpans(telemetry.tracer(name)) : undefined,
        onRefused: () => telemetry.metrics.callRefused(),
      });
      const ready = createReadiness(() => service.ready());
      let isServing = await ready();
      const look = async (): Promise<void> => {
        isServing = await ready();
        server.setServing(isServing);
      };
      const watch = setInterval(() => void look(), readyEveryMs);
      onStop(
        "grpc server",
        async () => {
          clearInterval(watch);
          watched?.tell(async () => ({ missing: ["stopping"], away: [] }));
          server.setServing(false);
          await server.close(read.SHUTDOWN_GRACE_MS);
        },
        read.SHUTDOWN_GRACE_MS + 5_000,
      );
      server.setServing(isServing);
      watched?.tell(async () => ({ missing: isServing ? [] : [name], away: [] }));
      log.info({ port: server.port }, "ready");
    },
    { peers: true },
  );
}

/** Standard output, and a second reader of all that is written to it. */
function alsoTo(output: LogOutput, logs: OtlpLogs): LogOutput {
  return {
    ...output,
    write(line) {
      output.write(line);
      logs.write(line);
    },
  };
}

type ProcessValues = ReturnType<typeof processEnv.read>;

/** Follows the files of certificates that this process is known by and knows others by. */
function watchFiles(
  read: ProcessValues,
  { log, telemetry }: Pick<ServiceProcess, "log" | "telemetry">,
  lifecycle: Pick<ReturnType<typeof createLifecycle>, "onStop">,
): void {
  if (read.NODE_EXTRA_CA_CERTS !== undefined) {
    lifecycle.onStop("extra authorities", followExtraAuthorities(read.NODE_EXTRA_CA_CERTS, { log }));
  }
  if (read.GRPC_TLS_CERT_FILE === undefined && read.GRPC_TLS_CA_FILE === undefined) return;
  const watch = watchCertificate(tlsFiles(read), { log });
  const unobserve =
    read.GRPC_TLS_CERT_FILE === undefined
      ? () => undefined
      : telemetry.metrics.observe("certificate_ends_unix_seconds", () => watch.endsUnixS(), "grpc");
  lifecycle.onStop("certificate watch", async () => {
    unobserve();
    watch.stop();
  });
}
