import { traceIdOf } from "../request-id.ts";
import { attribute } from "./attributes.ts";
import { newSpanId, newTraceId } from "./ids.ts";
import type { Sampler } from "./sampler.ts";
import {
  RecordedSpan,
  type Span,
  type SpanAttributes,
  type SpanKindName,
  type SpanOrigin,
  UnrecordedSpan,
} from "./span.ts";
import {
  formatContext,
  isTraceId,
  parseContext,
  randomFlag,
  sampledFlag,
  type TraceContext,
  traceIdIn,
  unsampledFlags,
} from "./traceparent.ts";

/** Settings of the first span of a trace in this process. */
export interface RootOptions {
  /** The platform's request ID; it is on every span. 0n where no request is involved. */
  requestId: bigint;
  /** The trace ID to bear, 32 hex digits, usually `traceIdOf(requestId)`. */
  traceId: string;
  /** The caller's context, where the deployment trusts it: then its trace goes on. Ignored if malformed. */
  inbound?: string | undefined;
  /** The caller's context, where the deployment does not trust it: a link is all that it gets. Ignored if malformed. */
  linked?: string | undefined;
  kind: SpanKindName;
  /** Asked only where the span is recorded: most are not, and an object of a dozen names costs more than the span. */
  attrs?: () => SpanAttributes;
}

/** Settings of a span that belongs to another. */
export interface ChildOptions {
  /** Context of the span this one belongs to. If empty or malformed, the trace is the one of the request ID. */
  parent: string;
  /** ID of its own, 16 hex digits, where others know it before it is made. Absent: a new one. */
  spanId?: string;
  /** When it began, Unix milliseconds, where that was before it is made. Absent: now. */
  startUnixMs?: number;
  /** The platform's request ID; it is on every span. 0n where no request is involved. */
  requestId: bigint;
  kind: SpanKindName;
  /** Asked only where the span is recorded: most are not, and an object of a dozen names costs more than the span. */
  attrs?: () => SpanAttributes;
}

/** Starts the spans of one service. */
export interface Tracing {
  /** The first span of a request in the platform. */
  startRoot(name: string, options: RootOptions): Span;
  /** A span under another, of this process or of the caller's. */
  startChild(name: string, options: ChildOptions): Span;
}

/** Tracing that records what the sampler picks. */
export function createTracing(origin: SpanOrigin, sampler: Sampler): Tracing {
  const start = (
    name: string,
    options: Pick<ChildOptions, "kind" | "attrs" | "requestId" | "startUnixMs">,
    traceId: string,
    parent: TraceContext | undefined,
    spanId?: string,
  ): Span => {
    const kept = (parent?.flags ?? 0) & randomFlag;
    // An unrecorded child hands on its parent's context: a trace then shows no gaps, and it costs nothing.
    if (!sampler(traceId, parent?.flags)) {
      const own = parent?.spanId ?? spanId ?? newSpanId();
      return new UnrecordedSpan(formatContext({ traceId, spanId: own, flags: kept, state: parent?.state }));
    }
    const span = new RecordedSpan(
      origin,
      name,
      options.kind,
      { traceId, spanId: spanId ?? newSpanId(), flags: kept | sampledFlag, state: parent?.state },
      parent,
      options.startUnixMs,
    );
    if (options.requestId !== 0n) span.attributes[attribute.requestId] = options.requestId.toString();
    if (options.attrs !== undefined) span.set(options.attrs());
    return span;
  };
  return {
    startRoot(name, options) {
      const parent = parseContext(options.inbound);
      const traceId = parent?.traceId ?? traceIdFor(options.requestId, options.traceId);
      const span = start(name, options, traceId, parent, rootSpanId(options.requestId));
      const linked = span.recording ? parseContext(options.linked) : undefined;
      if (linked !== undefined) span.link(linked, { [attribute.linkReason]: "untrusted_parent" });
      return span;
    },
    startChild(name, options) {
      const flags = unsampledFlags(options.parent);
      if (flags !== undefined && !sampler(traceIdIn(options.parent), flags)) return new UnrecordedSpan(options.parent);
      const parent = parseContext(options.parent);
      return start(name, options, parent?.traceId ?? traceIdFor(options.requestId), parent, options.spanId);
    },
  };
}

/** Tracing that records nothing: spans carry the context they were given, flags and all. */
export function createPassiveTracing(): Tracing {
  const span = (context: TraceContext | undefined, requestId: bigint, traceId?: string): Span =>
    new UnrecordedSpan(
      formatContext(context ?? { traceId: traceIdFor(requestId, traceId), spanId: newSpanId(), flags: 0 }),
    );
  return {
    startRoot: (_, { inbound, requestId, traceId }) => span(parseContext(inbound), requestId, traceId),
    startChild: (_, { parent, requestId }) => span(parseContext(parent), requestId),
  };
}

/** Span ID of a request's root span, so that whoever knows its ID can point to it; undefined where there is no request. */
export function rootSpanId(requestId: bigint): string | undefined {
  return requestId === 0n ? undefined : requestId.toString(16).padStart(16, "0");
}

/** The trace ID given, or else the request's own, or else a new one: whoever loses the context still meets the trace. */
function traceIdFor(requestId: bigint, given = ""): string {
  if (isTraceId(given)) return given;
  return requestId === 0n ? newTraceId() : traceIdOf(requestId);
}
