import type { DescService } from "@bufbuild/protobuf";
import { serveMetrics } from "./metrics-server.ts";
import { processEnv } from "./process-env.ts";
import { createReadiness } from "./readiness.ts";
import { type ServiceDefinition, startGrpcServer } from "./rpc/index.ts";
import { runProcess, type ServiceProcess } from "./run-process.ts";
import { rpcSpans } from "./telemetry/index.ts";
import { peerSecrets, serverTls } from "./trust.ts";

/** A service that runs: what it answers, and how it stops. */
export interface RunningService<S extends DescService = DescService> {
  /** What it answers to. */
  readonly definition: ServiceDefinition<S>;
  /** Whether a call would succeed now. */
  ready(): Promise<boolean>;
  /** Finishes what it has begun and lets go of what it holds. */
  stop(): Promise<void>;
}

const readyEveryMs = 1_000;

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
