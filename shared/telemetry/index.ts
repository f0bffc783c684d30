import { PrometheusExporter, PrometheusSerializer } from "@opentelemetry/exporter-prometheus";
import { resourceFromAttributes } from "@opentelemetry/resources";
import { MeterProvider } from "@opentelemetry/sdk-metrics";
import type { SpanExporter } from "@opentelemetry/sdk-trace";
import type { Log } from "../log.ts";
import { createSpanClock } from "./clock.ts";
import type { TelemetryConfig } from "./config.ts";
import { createOtlpExporter, createSpanPipeline } from "./export.ts";
import { createMetrics } from "./metrics.ts";
import type { Metrics } from "./metrics-contract.ts";
import { measureProcess } from "./metrics-process.ts";
import { openMetrics, openMetricsContentType, toLabels, wantsOpenMetrics } from "./open-metrics.ts";
import { createResources } from "./resource.ts";
import { createSampler } from "./sampler.ts";
import { createTallies } from "./tallies.ts";
import { createPassiveTracing, createTracing, type Tracing } from "./tracing.ts";

export { type TelemetryConfig, telemetryConfig, telemetryEnv } from "./config.ts";
export { type OtlpLogs, openOtlpLogs } from "./logs.ts";
export type {
  AttemptStatus,
  EdgeRefusal,
  FinishedAttempt,
  FinishedOperation,
  FinishedRequest,
  Metrics,
  ReservationEvent,
} from "./metrics-contract.ts";
export type { LabelledValue, ObservedValue } from "./observed.ts";
export type { Span, SpanAttributes, SpanKindName } from "./span.ts";
export { type BillingSpans, billingSpans } from "./spans/billing.ts";
export { type BatchedCall, endCall, type ServedCall } from "./spans/call.ts";
export {
  type AskingCall,
  type DatabasePeer,
  failStatement,
  startStatement,
} from "./spans/database.ts";
export { type GatewaySpans, gatewaySpans, type RequestEnd, type RequestStart } from "./spans/gateway.ts";
export { type HistorySpans, historySpans } from "./spans/history.ts";
export { type EndedJobSpan, jobContext, jobsSpans } from "./spans/jobs.ts";
export {
  type AttemptEnd,
  type AttemptFailure,
  type AttemptStart,
  type ProviderSpans,
  providerSpans,
} from "./spans/provider.ts";
export { type RoutingSpans, routingSpans } from "./spans/routing.ts";
export { rpcSpans } from "./spans/rpc.ts";
export { contextHeaders, contextOf, parseContext, type TraceContext } from "./traceparent.ts";
export { type ChildOptions, createPassiveTracing, type RootOptions, type Tracing } from "./tracing.ts";

/** Spans and metrics of one process. */
export interface Telemetry {
  /** The tracing of a service, which shows under its own service.name also where several share the process. */
  tracer(service: string): Tracing;
  readonly metrics: Metrics;
  /** True if spans are recorded. */
  readonly tracing: boolean;
  /** Exports the spans that have ended so far; rejects if the collector does not take them. */
  flush(): Promise<void>;
  /** All metrics in the Prometheus text format (content type in `metricsContentType`). */
  metricsText(): Promise<string>;
  /** All metrics as a scrape with this Accept wants them: OpenMetrics with exemplars, or the Prometheus text format. */
  metricsFor(accept: string | undefined): Promise<MetricsAnswer>;
  /** Exports what is left and stops measuring, within 5 s; never rejects. */
  shutdown(): Promise<void>;
}

/** What a scrape gets. */
export interface MetricsAnswer {
  readonly type: string;
  readonly text: string;
}

/** Settings of a process's telemetry. */
export interface TelemetryOptions {
  /** The process's own service: "gateway", "billing" ..., or "throughline" where one process runs them all. */
  service: string;
  log: Pick<Log, "warn">;
  /** service.version. */
  version?: string;
  /** Takes the spans in place of the configured collector, which need not be set then. */
  spanExporter?: SpanExporter;
}

/** Content type of `metricsText`. */
const metricsContentType = "text/plain; version=0.0.4; charset=utf-8";

const shutdownTimeoutMs = 5000;

/** Creates the telemetry of a process. Sets nothing global: two may live side by side. */
export function createTelemetry(
  config: TelemetryConfig,
  { service, log, version, spanExporter }: TelemetryOptions,
): Telemetry {
  const resources = createResources(config, service, version);
  const reader = new PrometheusExporter({ preventServerStart: true });
  const meterProvider = new MeterProvider({ resource: resources(service), readers: [reader] });
  const meter = meterProvider.getMeter("throughline");
  const stopMeasuring = measureProcess(meter);
  const tallies = createTallies();
  const serializer = new PrometheusSerializer(undefined, false, undefined, false, true);

  const { endpoint } = config;
  const exporter = spanExporter ?? (endpoint === undefined ? undefined : createOtlpExporter({ ...config, endpoint }));
  const pipeline = exporter && createSpanPipeline(config, exporter, log, meterProvider);
  const sampler = createSampler(config.sampler, config.samplerRatio);
  const clock = createSpanClock();
  const scope = { name: "throughline", ...(version === undefined ? {} : { version }) };
  // One resource object a service: exports group spans by its identity.
  const tracers = new Map<string, Tracing>();
  const createTracer = (name: string): Tracing =>
    pipeline === undefined
      ? createPassiveTracing()
      : createTracing({ resource: resources(name), scope, clock, onEnd: pipeline.onEnd }, sampler);

  let stopped: Promise<void> | undefined;
  const stop = async (): Promise<void> => {
    stopMeasuring();
    await pipeline?.shutdown(shutdownTimeoutMs);
    await meterProvider.shutdown().catch(() => undefined);
  };

  const target = resourceFromAttributes(Object.fromEntries(toLabels(resources(service).attributes)));
  const metricsText = async (): Promise<string> => {
    const { resourceMetrics } = await reader.collect();
    const scopeMetrics = [...resourceMetrics.scopeMetrics, { scope, metrics: tallies.collect() }];
    return serializer.serialize({ resource: target, scopeMetrics });
  };

  return {
    metrics: createMetrics(meter, tallies, config.metricsAccounts),
    tracing: pipeline !== undefined,
    tracer(name) {
      const tracer = tracers.get(name) ?? createTracer(name);
      tracers.set(name, tracer);
      return tracer;
    },
    flush: async () => pipeline?.flush(),
    metricsText,
    async metricsFor(accept) {
      if (!wantsOpenMetrics(accept)) return { type: metricsContentType, text: await metricsText() };
      const { resourceMetrics } = await reader.collect();
      const measured = resourceMetrics.scopeMetrics.flatMap(({ metrics }) => metrics);
      const text = openMetrics(
        [...measured, ...tallies.collect()],
        (point) => tallies.exemplarsOf(point),
        target.attributes,
      );
      return { type: openMetricsContentType, text };
    },
    shutdown() {
      stopped ??= stop();
      return stopped;
    },
  };
}
