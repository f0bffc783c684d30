import { grpcHost, grpcTarget } from "./config-checks.ts";
import { declareEnv } from "./config-declare.ts";
import { metricsPort } from "./metrics-server.ts";

const target = { kind: "string", check: grpcTarget } as const;

/** Variables that every service process reads. */
export const processEnv = declareEnv({
  GRPC_HOST: {
    kind: "string",
    default: "0.0.0.0",
    check: grpcHost,
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
  ROUTING_TARGET: {
    ...target,
    default: "dns:///routing:50051",
    description: "gRPC target of routing.",
  },
  BILLING_TARGET: {
    ...target,
    default: "dns:///billing:50051",
    description: "gRPC target of billing.",
  },
  PROVIDER_TARGET: {
    ...target,
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
  HISTORY_TARGET: {
    ...target,
    default: "dns:///history:50051",
    description: "gRPC target of history.",
  },
  JOBS_TARGET: {
    ...target,
    default: "dns:///jobs:50051",
    description: "gRPC target of jobs.",
  },
  GRPC_SECRET: {
    kind: "secret",
    description:
      "Secret that the processes know each other by, at least 128 bits; required unless all three GRPC_TLS_* are set. Several with commas: the first is sent, all are accepted. `up` and `mesh` make their own.",
  },
});

/** Name of a variable that holds a service's target. */
export type TargetVariable = "ROUTING_TARGET" | "BILLING_TARGET" | "PROVIDER_TARGET" | "HISTORY_TARGET" | "JOBS_TARGET";
