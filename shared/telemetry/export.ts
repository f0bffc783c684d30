import type { MeterProvider } from "@opentelemetry/api";
import { ExportResultCode } from "@opentelemetry/core";
import { OTLPExporterBase } from "@opentelemetry/otlp-exporter-base";
import { convertLegacyHttpOptions, createOtlpHttpExportDelegate } from "@opentelemetry/otlp-exporter-base/node-http";
import { ProtobufTraceSerializer, TraceExporterMetricsHelper } from "@opentelemetry/otlp-transformer";
import { BatchSpanProcessor, type SpanExporter } from "@opentelemetry/sdk-trace";
import type { Log } from "../log.ts";
import type { TelemetryConfig } from "./config.ts";
import { grpcOptions } from "./otlp-grpc.ts";
import { createSpanEncoder } from "./span-encoder.ts";

/** Spans of all services of the process on their way out. */
export interface SpanPipeline {
  readonly onEnd: BatchSpanProcessor["onEnd"];
  /** Exports what has ended so far. Rejects if that fails. */
  flush(): Promise<void>;
  /** Exports what is left and closes, within `timeoutMs`; never rejects. */
  shutdown(timeoutMs: number): Promise<void>;
}

/** How often failing exports are logged. */
const warnEveryMs = 60_000;

/** One batch processor and exporter for the whole process. What it drops is counted in the meter's otel_sdk_processor_* metrics. */
export function createSpanPipeline(
  config: TelemetryConfig,
  exporter: SpanExporter,
  log: Pick<Log, "warn">,
  meterProvider: MeterProvider,
): SpanPipeline {
  const processor = new BatchSpanProcessor({
    exporter: loggingFailures(exporter, log),
    maxQueueSize: config.maxQueueSpans,
    maxExportBatchSize: config.maxBatchSpans,
    scheduledDelayMillis: config.scheduleDelayMs,
    exportTimeoutMillis: config.exportTimeoutMs + 1000,
    selfObsMeterProvider: meterProvider,
  });
  return {
    onEnd: (span) => processor.onEnd(span),
    flush: () => processor.forceFlush(),
    async shutdown(timeoutMs) {
      const { promise: expired, resolve } = Promise.withResolvers<void>();
      const timer = setTimeout(() => {
        log.warn({ timeout_ms: timeoutMs }, "spans not exported in time before the stop");
        resolve();
      }, timeoutMs);
      await Promise.race([processor.shutdown().catch(() => undefined), expired]);
      clearTimeout(timer);
    },
  };
}

/** The OTLP exporter to the configured collector. */
export function createOtlpExporter(config: TelemetryConfig & { endpoint: string }): SpanExporter {
  if (config.protocol === "grpc") return lazily(() => grpcExporter(config));
  const settings = { url: config.endpoint, headers: { ...config.headers }, timeoutMillis: config.exportTimeoutMs };
  const { deserializeResponse } = ProtobufTraceSerializer;
  return new OTLPExporterBase(
    createOtlpHttpExportDelegate(
      convertLegacyHttpOptions(settings, "TRACES", "v1/traces", { "Content-Type": "application/x-protobuf" }),
      { serializeRequest: createSpanEncoder(), deserializeResponse },
      ...(["otlp_http_span_exporter", TraceExporterMetricsHelper, undefined] as const),
    ),
  );
}

async function grpcExporter(config: TelemetryConfig & { endpoint: string }): Promise<SpanExporter> {
  const { OTLPTraceExporter: OverGrpc } = await import("@opentelemetry/exporter-trace-otlp-grpc");
  return new OverGrpc(grpcOptions(config.endpoint, config));
}

/** An exporter that is loaded by the first export: only those who want it pay for it. */
function lazily(load: () => Promise<SpanExporter>): SpanExporter {
  let loaded: Promise<SpanExporter> | undefined;
  const get = () => {
    loaded ??= load();
    return loaded;
  };
  return {
    export(spans, done) {
      get().then(
        (exporter) => exporter.export(spans, done),
        (error: Error) => done({ code: ExportResultCode.FAILED, error }),
      );
    },
    forceFlush: async () => (await loaded)?.forceFlush?.(),
    shutdown: async () => (await loaded)?.shutdown(),
  };
}

/** The SDK reports failed exports to a global logger that nobody sets; an operator wants to read of them, now and then. */
function loggingFailures(exporter: SpanExporter, log: Pick<Log, "warn">): SpanExporter {
  let lastWarnMs = Number.NEGATIVE_INFINITY;
  let failedSpans = 0;
  return {
    export(spans, done) {
      exporter.export(spans, (result) => {
        if (result.code !== ExportResultCode.SUCCESS) {
          failedSpans += spans.length;
          const now = performance.now();
          if (now - lastWarnMs >= warnEveryMs) {
            log.warn({ err: result.error, spans: failedSpans }, "spans could not be exported");
            lastWarnMs = now;
            failedSpans = 0;
          }
        }
        done(result);
      });
    },
    forceFlush: async () => exporter.forceFlush?.(),
    shutdown: () => exporter.shutdown(),
  };
}
