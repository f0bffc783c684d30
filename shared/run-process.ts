import type { DescService } from "@bufbuild/protobuf";
import { watchCertificate } from "./certificate-watch.ts";
import { ConfigError, configLines, type Env, readEnv } from "./config.ts";
import { followExtraAuthorities } from "./extra-authorities.ts";
import type { LaneHabits } from "./lane-habits.ts";
import { createLifecycle, runUntilSignal } from "./lifecycle.ts";
import { createLog, flushLog, type Log } from "./log.ts";
import { createLogOutput, type LogOutput, tell } from "./log-output.ts";
import { processEnv, type TargetVariable } from "./process-env.ts";
import { createGrpcClient, createHealthCheck, type HealthCheck, type ServiceClient } from "./rpc/index.ts";
import { stayWarm } from "./stay-warm.ts";
import {
  createTelemetry,
  type OtlpLogs,
  openOtlpLogs,
  rpcSpans,
  type Telemetry,
  telemetryConfig,
} from "./telemetry/index.ts";
import {
  assertExtraAuthorities,
  assertTlsFiles,
  assertTrust,
  assertWholePair,
  clientTls,
  peerSecrets,
  tlsFiles,
} from "./trust.ts";
import { version } from "./version.ts";
import { warmSoon } from "./warm-soon.ts";
import { keepAllocationsYoung } from "./young-allocations.ts";

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

/** Exit code of a process whose configuration cannot be used. */
export const wrongUsage = 2;
/** Time that a stopped process may take to end by itself. */
const lingerMs = 2_000;

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
    assertExtraAuthorities(read.NODE_EXTRA_CA_CERTS);
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
