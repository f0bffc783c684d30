import { InMemorySpanExporter, type ReadableSpan } from "@opentelemetry/sdk-trace";
import type { Env } from "../config.ts";
import { createTelemetry, type Telemetry, telemetryConfig } from "./index.ts";

/** A finished span as tests look at it. */
export interface SeenSpan {
  service: string;
  name: string;
  traceId: string;
  spanId: string;
  parentSpanId: string | undefined;
  /** server, client, internal ... */
  kind: string;
  /** Undefined unless it failed; then the message, or "". */
  failed: string | undefined;
  attributes: Record<string, unknown>;
  /** Names of what happened, in order. */
  events: string[];
  /** Spans of other traces that it points to, with why. */
  links: { traceId: string; spanId: string; attributes: Record<string, unknown> }[];
  /** "" where there is none. */
  traceState: string;
  /** Unix milliseconds. */
  startMs: number;
  durationMs: number;
}

export interface TestTelemetry extends Telemetry {
  /** Every span that ended so far, in the order of ending. */
  spans(): Promise<SeenSpan[]>;
}

/** Telemetry that keeps its spans in memory: for tests of whatever makes spans. `env` as of a process, e.g. the sampler. */
export function createTestTelemetry(env: Env = {}, service = "throughline"): TestTelemetry {
  const memory = new InMemorySpanExporter();
  const telemetry = createTelemetry(telemetryConfig(env), {
    service,
    log: { warn: () => undefined },
    spanExporter: memory,
  });
  return {
    ...telemetry,
    async spans() {
      await telemetry.flush();
      return memory.getFinishedSpans().map(seen);
    },
  };
}

/** By the number of the API; on the wire each is one higher. */
export const spanKinds = ["internal", "server", "client", "producer", "consumer"];
const errorStatus = 2;

function seen(span: ReadableSpan): SeenSpan {
  const { traceId, spanId } = span.spanContext();
  return {
    service: String(span.resource.attributes["service.name"]),
    name: span.name,
    traceId,
    spanId,
    parentSpanId: span.parentSpanContext?.spanId,
    kind: spanKinds[span.kind] ?? "unknown",
    failed: span.status.code === errorStatus ? (span.status.message ?? "") : undefined,
    attributes: { ...span.attributes },
    events: span.events.map(({ name }) => name),
    links: span.links.map(({ context, attributes }) => ({
      ...{ traceId: context.traceId, spanId: context.spanId, attributes: { ...attributes } },
    })),
    traceState: span.spanContext().traceState?.serialize() ?? "",
    startMs: toMs(span.startTime),
    durationMs: toMs(span.duration),
  };
}

function toMs([seconds, nanos]: readonly [number, number]): number {
  return seconds * 1000 + nanos / 1e6;
}
