import { ROOT_CONTEXT, SeverityNumber, TraceFlags, trace } from "@opentelemetry/api";
import { ExportResultCode } from "@opentelemetry/core";
import type { LogRecordExporter } from "@opentelemetry/sdk-logs";
import { parseRequestId } from "../request-id.ts";
import type { TelemetryConfig } from "./config.ts";
import { grpcOptions } from "./otlp-grpc.ts";
import { createResources } from "./resource.ts";
import { isTraceId } from "./traceparent.ts";
import { rootSpanId } from "./tracing.ts";

/** Log lines on their way to a collector, beside standard output. */
export interface OtlpLogs {
  /** Takes a line of the log: JSON, scrubbed. Beyond what a queue holds lines are dropped; those on standard output are not. */
  write(line: string): void;
  /** Exports what is left and closes; never rejects, and takes no longer than an export may. */
  shutdown(): Promise<void>;
}

const severities: Readonly<Record<string, SeverityNumber>> = {
  trace: SeverityNumber.TRACE,
  debug: SeverityNumber.DEBUG,
  info: SeverityNumber.INFO,
  warn: SeverityNumber.WARN,
  error: SeverityNumber.ERROR,
  fatal: SeverityNumber.FATAL,
};
const maxQueueLines = 8_192;
const maxBatchLines = 512;

/**
 * Opens the export of log lines; undefined where it is off, and then nothing of the SDK is loaded. `onFailed` hears the first
 * failed export of a minute.
 */
export async function openOtlpLogs(
  config: TelemetryConfig,
  { service, version, onFailed }: { service: string; version: string; onFailed: (error: unknown) => void },
): Promise<OtlpLogs | undefined> {
  const { logsEndpoint } = config;
  if (logsEndpoint === undefined) return undefined;
  const { LoggerProvider, BatchLogRecordProcessor } = await import("@opentelemetry/sdk-logs");
  const exporter = tellingFailures(await exporterTo(logsEndpoint, config), onFailed);
  const processor = new BatchLogRecordProcessor({
    exporter,
    maxQueueSize: maxQueueLines,
    maxExportBatchSize: maxBatchLines,
    scheduledDelayMillis: config.scheduleDelayMs,
    exportTimeoutMillis: config.exportTimeoutMs,
  });
  const resources = createResources(config, service, version);
  const loggers = new Map<string, ReturnType<InstanceType<typeof LoggerProvider>["getLogger"]>>();
  const loggerOf = (name: string) => {
    const known =
      loggers.get(name) ??
      new LoggerProvider({ resource: resources(name), processors: [processor] }).getLogger("throughline", version);
    loggers.set(name, known);
    return known;
  };
  return {
    write(line) {
      const fields = fieldsOf(line);
      if (fields === undefined) return;
      const { time, level, service: of, msg, trace_id: traceId, request_id: requestId, err, ...rest } = fields;
      const timestamp = typeof time === "string" ? new Date(time) : new Date();
      loggerOf(typeof of === "string" ? of : service).emit({
        timestamp,
        observedTimestamp: timestamp,
        severityText: String(level),
        severityNumber: severities[String(level)] ?? SeverityNumber.UNSPECIFIED,
        body: typeof msg === "string" ? msg : "",
        attributes: {
          ...plain(rest),
          ...(typeof requestId === "string" ? { "throughline.request_id": requestId } : {}),
          ...exceptionOf(err),
        },
        context: contextOf(traceId, requestId),
      });
    },
    shutdown: () => processor.shutdown().catch(() => undefined),
  };
}

async function exporterTo(url: string, config: TelemetryConfig): Promise<LogRecordExporter> {
  if (config.protocol === "grpc") {
    const { OTLPLogExporter } = await import("@opentelemetry/exporter-logs-otlp-grpc");
    return new OTLPLogExporter(grpcOptions(url, config));
  }
  const { OTLPLogExporter } = await import("@opentelemetry/exporter-logs-otlp-proto");
  return new OTLPLogExporter({ url, headers: { ...config.headers }, timeoutMillis: config.exportTimeoutMs });
}

/** The SDK tells of failures to a logger that nobody sets. */
function tellingFailures(exporter: LogRecordExporter, onFailed: (error: unknown) => void): LogRecordExporter {
  let quietUntilMs = 0;
  return {
    export(records, done) {
      exporter.export(records, (result) => {
        if (result.code !== ExportResultCode.SUCCESS && performance.now() >= quietUntilMs) {
          quietUntilMs = performance.now() + 60_000;
          onFailed(result.error);
        }
        done(result);
      });
    },
    forceFlush: () => exporter.forceFlush(),
    shutdown: () => exporter.shutdown(),
  };
}

function fieldsOf(line: string): Record<string, unknown> | undefined {
  try {
    const parsed: unknown = JSON.parse(line);
    return typeof parsed === "object" && parsed !== null ? { ...parsed } : undefined;
  } catch {
    return undefined;
  }
}

/** Fields as attributes: what is not simple goes as JSON. */
function plain(fields: Record<string, unknown>): Record<string, string | number | boolean> {
  return Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [
      name,
      typeof value === "string" || typeof value === "number" || typeof value === "boolean"
        ? value
        : JSON.stringify(value),
    ]),
  );
}

function exceptionOf(err: unknown): Record<string, string> {
  if (typeof err !== "object" || err === null) return {};
  const { type, message, stack } = err as { type?: unknown; message?: unknown; stack?: unknown };
  return {
    "exception.type": String(type ?? ""),
    "exception.message": String(message ?? ""),
    ...(typeof stack === "string" ? { "exception.stacktrace": stack } : {}),
  };
}

/** A line of a request belongs to its root span, whose ID follows from the request's. */
function contextOf(traceId: unknown, requestId: unknown) {
  if (typeof traceId !== "string" || !isTraceId(traceId) || typeof requestId !== "string") return ROOT_CONTEXT;
  const id = parseRequestId(requestId);
  const spanId = id === undefined ? undefined : rootSpanId(id);
  if (spanId === undefined) return ROOT_CONTEXT;
  return trace.setSpanContext(ROOT_CONTEXT, { traceId, spanId, traceFlags: TraceFlags.SAMPLED });
}
