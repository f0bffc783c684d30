import { type Attributes, type HrTime, type Link, SpanKind, type SpanStatus, SpanStatusCode } from "@opentelemetry/api";
import { type InstrumentationScope, TraceState } from "@opentelemetry/core";
import type { Resource } from "@opentelemetry/resources";
import type { ReadableSpan, TimedEvent } from "@opentelemetry/sdk-trace";
import { scrub } from "../scrub.ts";
import { attribute } from "./attributes.ts";
import type { SpanClock } from "./clock.ts";
import { formatContext, spanIdIn, type TraceContext, traceIdIn } from "./traceparent.ts";

/** What a span says about its work. Undefined values are left out; numbers that are whole travel as integers. */
export type SpanAttributes = Readonly<Record<string, string | number | boolean | readonly string[] | undefined>>;

/** One piece of a request's work. After `end` nothing changes it; every method is safe to call at any time. */
export interface Span {
  /** W3C context for whatever this span calls, as one text: see TraceContext. */
  readonly traceparent: string;
  /** 32 hex digits. */
  readonly traceId: string;
  /** 16 hex digits. */
  readonly spanId: string;
  /** True if it will be exported: work done only for attributes can be left out otherwise. */
  readonly recording: boolean;
  /** True: it has ended, and nothing changes it any more. */
  readonly ended: boolean;
  /** Adds or replaces attributes. */
  set(attrs: SpanAttributes): void;
  /** Notes that something happened now, or at that time. */
  event(name: string, attrs?: SpanAttributes, atUnixMs?: number): void;
  /** Points to a span of another trace that has to do with this one. Beyond 128 they are left out and counted. */
  link(context: TraceContext, attrs?: SpanAttributes): void;
  /** Marks it as failed: `code` (low cardinality) becomes error.type; `message` is scrubbed of keys. */
  fail(code: string, message?: string): void;
  /** Ends it now. */
  end(): void;
}

export type SpanKindName = "internal" | "server" | "client" | "producer" | "consumer";

const kinds: Record<SpanKindName, SpanKind> = {
  internal: SpanKind.INTERNAL,
  server: SpanKind.SERVER,
  client: SpanKind.CLIENT,
  producer: SpanKind.PRODUCER,
  consumer: SpanKind.CONSUMER,
};

/** Characters of an attribute or message kept; a span is no place for payloads. */
const maxTextLength = 4096;
/** Links and events kept of a span: the SDK's own limit. */
const maxEntries = 128;
const unset: SpanStatus = { code: SpanStatusCode.UNSET };

/** A span that is not exported: it carries its context and does nothing else. */
export class UnrecordedSpan implements Span {
  readonly recording = false;
  readonly ended = false;
  readonly traceparent: string;

  /** @param traceparent the text of a context that is well formed. */
  constructor(traceparent: string) {
    this.traceparent = traceparent;
  }

  get traceId(): string {
    return traceIdIn(this.traceparent);
  }

  get spanId(): string {
    return spanIdIn(this.traceparent);
  }

  set(): void {}
  event(): void {}
  link(): void {}
  fail(): void {}
  end(): void {}
}

/** What a service's spans have in common. */
export interface SpanOrigin {
  readonly resource: Resource;
  readonly scope: InstrumentationScope;
  readonly clock: SpanClock;
  readonly onEnd: (span: ReadableSpan) => void;
}

/**
 * A span that is exported. The SDK's processors and exporters read it as any ReadableSpan; making it ourselves leaves out the
 * context and sampler handling of the SDK's Tracer and lets the trace ID be given. It is its own span context.
 */
export class RecordedSpan implements Span, ReadableSpan {
  readonly recording = true;
  readonly name: string;
  readonly kind: SpanKind;
  readonly traceId: string;
  readonly spanId: string;
  readonly traceFlags: number;
  readonly traceState?: TraceState;
  readonly attributes: Attributes = {};
  readonly links: Link[] = [];
  readonly events: TimedEvent[] = [];
  readonly droppedAttributesCount = 0;
  droppedEventsCount = 0;
  droppedLinksCount = 0;
  readonly parentSpanContext?: { traceId: string; spanId: string; traceFlags: number; isRemote: boolean };
  status: SpanStatus = unset;
  ended = false;
  readonly #origin: SpanOrigin;
  readonly #startMs: number;
  readonly #state: string | undefined;
  readonly #offsetMs: number;
  #endMs = 0;

  constructor(
    origin: SpanOrigin,
    name: string,
    kind: SpanKindName,
    context: TraceContext,
    parent: TraceContext | undefined,
    startUnixMs?: number,
  ) {
    this.#origin = origin;
    this.name = name;
    this.kind = kinds[kind];
    this.traceId = context.traceId;
    this.spanId = context.spanId;
    this.traceFlags = context.flags;
    this.#state = context.state;
    if (context.state !== undefined) this.traceState = new TraceState(context.state);
    if (parent !== undefined) {
      this.parentSpanContext = {
        traceId: parent.traceId,
        spanId: parent.spanId,
        traceFlags: parent.flags,
        isRemote: kind === "server" || kind === "consumer",
      };
    }
    this.#offsetMs = origin.clock.offsetMs();
    this.#startMs = startUnixMs === undefined ? origin.clock.nowMs() : startUnixMs - this.#offsetMs;
  }

  get traceparent(): string {
    return formatContext({
      traceId: this.traceId,
      spanId: this.spanId,
      flags: this.traceFlags,
      state: this.#state,
    });
  }

  get resource(): Resource {
    return this.#origin.resource;
  }

  get instrumentationScope(): InstrumentationScope {
    return this.#origin.scope;
  }

  get startTime(): HrTime {
    return hrTime(this.#startMs + this.#offsetMs);
  }

  get endTime(): HrTime {
    return hrTime(this.#endMs + this.#offsetMs);
  }

  get duration(): HrTime {
    return hrTime(this.#endMs - this.#startMs);
  }

  spanContext(): this {
    return this;
  }

  set(attrs: SpanAttributes): void {
    if (!this.ended) fill(this.attributes, attrs);
  }

  event(name: string, attrs: SpanAttributes = {}, atUnixMs?: number): void {
    if (this.ended) return;
    if (this.events.length >= maxEntries) {
      this.droppedEventsCount += 1;
      return;
    }
    const time = hrTime(atUnixMs ?? this.#origin.clock.nowMs() + this.#offsetMs);
    this.events.push({ name, time, attributes: fill({}, attrs) });
  }

  link({ traceId, spanId, flags }: TraceContext, attrs: SpanAttributes = {}): void {
    if (this.ended) return;
    if (this.links.length >= maxEntries) {
      this.droppedLinksCount += 1;
      return;
    }
    this.links.push({ context: { traceId, spanId, traceFlags: flags }, attributes: fill({}, attrs) });
  }

  fail(code: string, message?: string): void {
    if (this.ended) return;
    this.attributes[attribute.errorType] = code;
    this.status =
      message === undefined
        ? { code: SpanStatusCode.ERROR }
        : { code: SpanStatusCode.ERROR, message: scrub(cut(message)) };
  }

  end(): void {
    if (this.ended) return;
    this.ended = true;
    this.#endMs = this.#origin.clock.nowMs();
    this.#origin.onEnd(this);
  }
}

function fill(attributes: Attributes, attrs: SpanAttributes): Attributes {
  for (const name in attrs) {
    const value = attrs[name];
    if (value === undefined) continue;
    attributes[name] = typeof value === "string" ? cut(value) : typeof value === "object" ? value.map(cut) : value;
  }
  return attributes;
}

function cut(text: string): string {
  return text.length > maxTextLength ? text.slice(0, maxTextLength) : text;
}

/** Milliseconds as the SDK's [seconds, nanoseconds], rounded to microseconds: doubles hold no more at today's epoch. */
function hrTime(ms: number): HrTime {
  const us = Math.round(ms * 1000);
  const seconds = Math.floor(us / 1_000_000);
  return [seconds, (us - seconds * 1_000_000) * 1000];
}
