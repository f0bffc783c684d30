import { TraceState } from "@opentelemetry/core";

/**
 * The W3C trace context of one span (https://www.w3.org/TR/trace-context/). Between our processes it travels as one text: the
 * `traceparent`, and after a space the `tracestate` where there is one.
 */
export interface TraceContext {
  /** 32 lower-case hex digits, not all zero. */
  readonly traceId: string;
  /** 16 lower-case hex digits, not all zero. */
  readonly spanId: string;
  /** The flags byte; of it only `sampledFlag` and `randomFlag` are passed on. */
  readonly flags: number;
  /** `tracestate` of whoever began the trace, passed on as it came. Absent: none. */
  readonly state?: string | undefined;
}

/** The caller may have recorded the trace. */
export const sampledFlag = 0x01;
/** The right-most seven bytes of the trace ID are random (trace context level 2). */
export const randomFlag = 0x02;

/** Length of a version 00 header, and the shortest of any version. */
export const traceparentLength = 55;
const dash = 45;
const space = 32;

/**
 * Reads a `traceparent` header strictly: lower case, no surrounding space, no all-zero IDs, version ff refused, version 00
 * exactly 55 characters, higher versions by their first four fields. Undefined for anything else; never throws.
 */
export function parseTraceparent(header: string | undefined): TraceContext | undefined {
  if (header === undefined || header.length < traceparentLength) return undefined;
  const version = hexByte(header, 0);
  if (version < 0 || version === 0xff) return undefined;
  if (header.length > traceparentLength && (version === 0 || header.charCodeAt(traceparentLength) !== dash))
    return undefined;
  if (header.charCodeAt(2) !== dash || header.charCodeAt(35) !== dash || header.charCodeAt(52) !== dash)
    return undefined;
  if (!isId(header, 3, 35) || !isId(header, 36, 52)) return undefined;
  const flags = hexByte(header, 53);
  if (flags < 0) return undefined;
  return { traceId: traceIdIn(header), spanId: spanIdIn(header), flags };
}

/** Trace ID in a `traceparent` that is well formed. */
export function traceIdIn(traceparent: string): string {
  return traceparent.slice(3, 35);
}

/** Likewise its span ID. */
export function spanIdIn(traceparent: string): string {
  return traceparent.slice(36, 52);
}

/** A `traceparent` that we write for a trace that is not sampled. */
const unsampledForm = /^00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-0[02]$/;

/**
 * The flags of a context that is not sampled and has no `tracestate`, as nearly all of our own are: one look tells it, and it
 * can be handed on as the text that it is. Undefined: it has to be read.
 */
export function unsampledFlags(text: string): number | undefined {
  if (text.length !== traceparentLength || !unsampledForm.test(text)) return undefined;
  return text.endsWith("2") ? randomFlag : 0;
}

/** Reads the text of a context: a `traceparent`, and after a space a `tracestate`. Undefined as for `parseTraceparent`. */
export function parseContext(text: string | undefined): TraceContext | undefined {
  if (text === undefined || text.charCodeAt(traceparentLength) !== space) return parseTraceparent(text);
  const context = parseTraceparent(text.slice(0, traceparentLength));
  return context === undefined ? undefined : { ...context, state: text.slice(traceparentLength + 1) };
}

/** The text of the context that two headers tell; undefined where the first is malformed. A `tracestate` that is too long or no list of members is left out. */
export function contextOf(traceparent: string | undefined, tracestate: string | undefined): string | undefined {
  const context = parseTraceparent(traceparent);
  if (context === undefined || tracestate === undefined) return context && traceparent;
  const state = new TraceState(tracestate).serialize();
  return formatContext(state === "" ? context : { ...context, state });
}

/** The headers that tell a context to whoever is called over HTTP; none where the text is empty. */
export function contextHeaders(text: string): { traceparent?: string; tracestate?: string } {
  if (text === "") return {};
  if (text.charCodeAt(traceparentLength) !== space) return { traceparent: text };
  return { traceparent: text.slice(0, traceparentLength), tracestate: text.slice(traceparentLength + 1) };
}

/** Writes the text of a context, its `traceparent` in version 00. Flags this version does not know are cleared. */
export function formatContext({ traceId, spanId, flags, state }: TraceContext): string {
  const traceparent = `00-${traceId}-${spanId}-0${flags & (sampledFlag | randomFlag)}`;
  return state === undefined ? traceparent : `${traceparent} ${state}`;
}

/** True for 32 lower-case hex digits that are not all zero. */
export function isTraceId(text: string): boolean {
  return text.length === 32 && isId(text, 0, 32);
}

function isId(text: string, from: number, to: number): boolean {
  let seen = 0;
  for (let at = from; at < to; at++) {
    const digit = hexDigit(text.charCodeAt(at));
    if (digit < 0) return false;
    seen |= digit;
  }
  return seen !== 0;
}

function hexByte(text: string, at: number): number {
  const high = hexDigit(text.charCodeAt(at));
  const low = hexDigit(text.charCodeAt(at + 1));
  return high < 0 || low < 0 ? -1 : high * 16 + low;
}

function hexDigit(code: number): number {
  if (code >= 48 && code <= 57) return code - 48;
  if (code >= 97 && code <= 102) return code - 87;
  return -1;
}
