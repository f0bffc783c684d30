import { validateHeaderName, validateHeaderValue } from "node:http";
import { ConfigError, type Env } from "../config.ts";
import { declareEnv } from "../config-declare.ts";
import { type SamplerName, samplerNames } from "./sampler.ts";

/** The standard OpenTelemetry variables that Throughline obeys. Those of TLS (OTEL_EXPORTER_OTLP_CERTIFICATE ...) the exporter reads itself. */
export const telemetryEnv = declareEnv({
  OTEL_SDK_DISABLED: {
    kind: "bool",
    default: false,
    description: "Switches tracing off whatever else is set; metrics stay.",
  },
  OTEL_TRACES_EXPORTER: {
    kind: "choice",
    choices: ["otlp", "none"],
    default: "otlp",
    description: "`none` switches tracing off.",
  },
  OTEL_EXPORTER_OTLP_ENDPOINT: {
    kind: "url",
    protocols: ["http", "https"],
    description:
      "Base URL of the collector, e.g. http://otel-collector:4318; setting it switches tracing on. With http/protobuf `/v1/traces` is added.",
  },
  OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: {
    kind: "url",
    protocols: ["http", "https"],
    description: "The collector's URL for traces, used as it is; wins over OTEL_EXPORTER_OTLP_ENDPOINT.",
  },
  OTEL_LOGS_EXPORTER: {
    kind: "choice",
    choices: ["otlp", "none"],
    default: "none",
    description: "`otlp` sends log lines to the collector too. They stay on standard output as well.",
  },
  OTEL_EXPORTER_OTLP_LOGS_ENDPOINT: {
    kind: "url",
    protocols: ["http", "https"],
    description: "The collector's URL for log lines, used as it is; wins over OTEL_EXPORTER_OTLP_ENDPOINT.",
  },
  OTEL_EXPORTER_OTLP_PROTOCOL: {
    kind: "choice",
    choices: ["http/protobuf", "grpc"],
    default: "http/protobuf",
    description:
      "How spans and log lines travel: `http/protobuf` (port 4318 of most collectors) or `grpc` (port 4317).",
  },
  OTEL_EXPORTER_OTLP_HEADERS: {
    kind: "secret",
    description: "Headers for the collector: `name=value,name2=value2`, percent-encoded.",
  },
  OTEL_EXPORTER_OTLP_TIMEOUT: {
    kind: "duration",
    default: 10_000,
    min: 1,
    max: 86_400_000,
    description: "How long one export may take, retries included.",
  },
  OTEL_TRACES_SAMPLER: {
    kind: "choice",
    choices: samplerNames,
    default: "parentbased_always_on",
    description: "Which traces are recorded.",
  },
  OTEL_TRACES_SAMPLER_ARG: {
    kind: "number",
    min: 0,
    max: 1,
    default: 1,
    description: "Share of traces for the traceidratio samplers.",
  },
  OTEL_SERVICE_NAME: {
    kind: "string",
    description:
      "service.name of a process that runs one service; of `up`, the prefix of its services' names. Unset: throughline-gateway, throughline-billing ...",
  },
  OTEL_RESOURCE_ATTRIBUTES: {
    kind: "string",
    description: "More attributes of every span: `name=value,name2=value2`, percent-encoded.",
  },
  OTEL_BSP_MAX_QUEUE_SIZE: {
    kind: "int",
    unit: "spans",
    default: 8192,
    min: 1,
    max: 1_000_000,
    description: "Ended spans kept for export; beyond it spans are dropped and counted.",
  },
  OTEL_BSP_MAX_EXPORT_BATCH_SIZE: {
    kind: "int",
    unit: "spans",
    default: 512,
    min: 1,
    max: 1_000_000,
    description: "Spans an export carries at most.",
  },
  OTEL_BSP_SCHEDULE_DELAY: {
    kind: "duration",
    default: 1000,
    min: 0,
    max: 86_400_000,
    description: "How long an ended span waits for others before export.",
  },
  METRICS_ACCOUNTS: {
    kind: "int",
    default: 0,
    min: 0,
    max: 500,
    description:
      "How many accounts, keys and budgets metrics show by their IDs and names: the busiest; all others count as `other`. 0: none. For the gateway and billing.",
  },
});

/** How a process traces. Without `endpoint` nothing is recorded. */
export interface TelemetryConfig {
  /** The collector's URL for traces; undefined: tracing is off. */
  endpoint: string | undefined;
  /** The collector's URL for log lines; undefined: they go to standard output alone. */
  logsEndpoint: string | undefined;
  protocol: "http/protobuf" | "grpc";
  /** Headers of every export; may hold credentials. */
  headers: Readonly<Record<string, string>>;
  exportTimeoutMs: number;
  sampler: SamplerName;
  /** Share of traces for the traceidratio samplers, 0..1. */
  samplerRatio: number;
  /** OTEL_SERVICE_NAME, or service.name of OTEL_RESOURCE_ATTRIBUTES. */
  serviceName: string | undefined;
  resourceAttributes: Readonly<Record<string, string>>;
  maxQueueSpans: number;
  maxBatchSpans: number;
  scheduleDelayMs: number;
  /** How many accounts, keys and budgets metrics show by name. */
  metricsAccounts: number;
}

/** The telemetry configuration of an environment. Throws ConfigError. */
export function telemetryConfig(env: Env): TelemetryConfig {
  const values = telemetryEnv.read(env);
  const off = values.OTEL_SDK_DISABLED || values.OTEL_TRACES_EXPORTER === "none";
  const protocol = values.OTEL_EXPORTER_OTLP_PROTOCOL;
  const base = values.OTEL_EXPORTER_OTLP_ENDPOINT;
  const { "service.name": namedByAttribute, ...resourceAttributes } = pairs(
    "OTEL_RESOURCE_ATTRIBUTES",
    values.OTEL_RESOURCE_ATTRIBUTES,
  );
  return {
    endpoint: off ? undefined : (values.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT ?? signalUrl(base, protocol, "traces")),
    logsEndpoint:
      values.OTEL_SDK_DISABLED || values.OTEL_LOGS_EXPORTER === "none"
        ? undefined
        : (values.OTEL_EXPORTER_OTLP_LOGS_ENDPOINT ?? signalUrl(base, protocol, "logs")),
    protocol,
    headers: headers("OTEL_EXPORTER_OTLP_HEADERS", values.OTEL_EXPORTER_OTLP_HEADERS),
    exportTimeoutMs: values.OTEL_EXPORTER_OTLP_TIMEOUT,
    sampler: values.OTEL_TRACES_SAMPLER,
    samplerRatio: values.OTEL_TRACES_SAMPLER_ARG,
    serviceName: values.OTEL_SERVICE_NAME ?? namedByAttribute,
    resourceAttributes,
    maxQueueSpans: values.OTEL_BSP_MAX_QUEUE_SIZE,
    maxBatchSpans: Math.min(values.OTEL_BSP_MAX_EXPORT_BATCH_SIZE, values.OTEL_BSP_MAX_QUEUE_SIZE),
    scheduleDelayMs: values.OTEL_BSP_SCHEDULE_DELAY,
    metricsAccounts: values.METRICS_ACCOUNTS,
  };
}

/** gRPC names the signal by its method, HTTP by its path. */
function signalUrl(
  base: string | undefined,
  protocol: TelemetryConfig["protocol"],
  signal: "traces" | "logs",
): string | undefined {
  if (base === undefined || protocol === "grpc") return base;
  return `${base.replace(/\/+$/, "")}/v1/${signal}`;
}

/** `a=1,b=two%20words` as a record. Throws ConfigError without repeating the text: headers are secret. */
function pairs(name: string, text: string | undefined): Record<string, string> {
  const result: Record<string, string> = {};
  for (const pair of (text ?? "").split(",")) {
    if (pair.trim() === "") continue;
    const at = pair.indexOf("=");
    const key = pair.slice(0, at).trim();
    if (at < 1 || key === "") throw new ConfigError(name, `${name} must be pairs such as name=value,name2=value2`);
    result[decode(name, key)] = decode(name, pair.slice(at + 1).trim());
  }
  return result;
}

/** Pairs that can be sent as headers: one that cannot would let every export fail. */
function headers(name: string, text: string | undefined): Record<string, string> {
  const given = pairs(name, text);
  for (const [header, value] of Object.entries(given)) {
    try {
      validateHeaderName(header);
      validateHeaderValue(header, value);
    } catch {
      throw new ConfigError(name, `${name} holds a name or a value that no header can have`);
    }
  }
  return given;
}

function decode(name: string, text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new ConfigError(name, `${name} holds a percent sign that is not percent-encoding`);
  }
}
