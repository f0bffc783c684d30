import type { Exchange, SimulatedError, WireFormat } from "./exchange.ts";
import { failureOf } from "./failures.ts";
import { nowMs } from "./recorder.ts";

/** A whole event, with its blank line or as the bytes of a frame. */
type Frame = string | Uint8Array;

/** A stream, in the order of the wire. */
export interface StreamPlan {
  readonly contentType: string;
  /** Frames before the first token. */
  readonly open: readonly Frame[];
  /** One frame a token. Made one by one, so that a large answer is never held whole. */
  readonly tokens: Iterable<Frame>;
  /** Count of `tokens`. */
  readonly tokenCount: number;
  /** Frames that end the answer, usage included. */
  readonly close: Iterable<Frame>;
  /** The end marker; empty where the format has none. */
  readonly done: string;
  /** A frame whose JSON is broken. */
  readonly malformed: Frame;
  /** A frame that says the stream failed. */
  readonly error: Frame;
  /** A frame with a wrong checksum, where frames have one. */
  readonly damaged?: Frame;
}

/** What the pump does next: write, wait, or end the exchange the hard way. */
type Step = string | Uint8Array | { readonly waitMs: number } | typeof hang | typeof drop;
const hang = Symbol("hang");
const drop = Symbol("drop");

/** Writes the head and its headers; `length` is undefined for a body of unknown length. */
function writeHead(exchange: Exchange, format: WireFormat, status: number, type: string, length?: number): string[] {
  const headers = ["content-type", type, "x-throughline-simulator", "1"];
  if (format.requestIdHeader !== "") headers.push(format.requestIdHeader, exchange.id);
  if (length !== undefined) headers.push("content-length", String(length));
  exchange.entry.status = status;
  exchange.entry.answeredAtMs = nowMs();
  return headers;
}

/** Answers with an error of the format. */
export function deliverError(
  exchange: Exchange,
  format: WireFormat,
  error: SimulatedError,
  status = error.status,
): void {
  const body = format.errorBody(error, exchange.id);
  const headers = writeHead(exchange, format, status, "application/json", Buffer.byteLength(body));
  for (const [name, value] of Object.entries(format.errorHeaders?.(error) ?? {})) headers.push(name, value);
  if (error.retryAfterSeconds > 0 && status !== 200) headers.push("retry-after", String(error.retryAfterSeconds));
  exchange.response.writeHead(status, headers);
  finish(exchange, body);
}

/** Answers with one JSON body, misbehaving as the model says. */
export function deliverJson(exchange: Exchange, format: WireFormat, json: string, type = "application/json"): void {
  const { behaviour } = exchange;
  if (behaviour.errorIn !== "") {
    deliverError(exchange, format, failureOf(500), 200);
    return;
  }
  const body = behaviour.empty === "body" ? "" : behaviour.malformed ? json.slice(0, json.length * 0.6) : json;
  const send = () => {
    if (exchange.closed) return;
    const whole = behaviour.comments ? `\n\n${body}` : body;
    const headers = writeHead(exchange, format, 200, type, Buffer.byteLength(whole));
    exchange.response.writeHead(200, headers);
    if (behaviour.hang === "" && behaviour.drop === "" && behaviour.chunkMs === 0 && !behaviour.split) {
      finish(exchange, whole);
    } else {
      pump(exchange, jsonSteps(exchange, whole));
    }
  };
  if (behaviour.firstTokenMs > 0) later(exchange, behaviour.firstTokenMs, send);
  else send();
}

function* jsonSteps({ behaviour }: Exchange, body: string): Generator<Step> {
  const quarter = Math.ceil(body.length / 4);
  for (let part = 0; part < 4; part += 1) {
    if (part === 2 && behaviour.hang === "stream") yield hang;
    if (part === 2 && behaviour.drop === "stream") yield drop;
    if (part > 0 && behaviour.chunkMs > 0) yield { waitMs: behaviour.chunkMs };
    const piece = body.slice(part * quarter, (part + 1) * quarter);
    if (piece !== "") yield piece;
  }
}

/** Bytes, in pieces that are made one by one. */
export interface BytesPlan {
  readonly contentType: string;
  /** Bytes in all. */
  readonly length: number;
  /** The next piece, from `at` on. */
  piece(at: number): Uint8Array;
  /** The part of it that was asked for: the offset of its first byte, and of the one behind its last. Absent: all of it. */
  readonly part?: readonly [from: number, to: number];
}

/** Answers with bytes, misbehaving as the model says. */
export function deliverBytes(exchange: Exchange, format: WireFormat, plan: BytesPlan): void {
  const { behaviour } = exchange;
  if (behaviour.errorIn !== "") {
    deliverError(exchange, format, failureOf(500), 200);
    return;
  }
  const sent = behaviour.empty === "" ? plan : { ...plan, length: 0 };
  const { part, length } = sent;
  const [from, to] = part ?? [0, length];
  const status = part === undefined ? 200 : 206;
  const headers = writeHead(exchange, format, status, sent.contentType, to - from);
  if (part !== undefined) headers.push("content-range", `bytes ${from}-${to - 1}/${length}`);
  exchange.response.writeHead(status, headers);
  pump(exchange, bytesSteps(exchange, sent, from, to));
}

function* bytesSteps({ behaviour }: Exchange, plan: BytesPlan, from: number, to: number): Generator<Step> {
  if (behaviour.firstTokenMs > 0) yield { waitMs: behaviour.firstTokenMs };
  let isPastMiddle = false;
  for (let at = from; at < to; ) {
    if (!isPastMiddle && at >= (from + to) / 2) {
      isPastMiddle = true;
      if (behaviour.hang === "stream") yield hang;
      if (behaviour.drop === "stream") yield drop;
    }
    if (behaviour.chunkMs > 0) yield { waitMs: behaviour.chunkMs };
    const piece = plan.piece(at).subarray(0, to - at);
    yield piece;
    at += piece.length;
  }
}

/** Answers with a stream, misbehaving as the model says. */
export function deliverStream(exchange: Exchange, format: WireFormat, plan: StreamPlan): void {
  const { behaviour, response } = exchange;
  if (behaviour.errorIn === "body") {
    deliverError(exchange, format, failureOf(500), 200);
    return;
  }
  const headers = writeHead(exchange, format, 200, plan.contentType);
  headers.push("cache-control", "no-cache");
  response.writeHead(200, headers);
  if (behaviour.firstTokenMs > 0) response.flushHeaders();
  pump(exchange, streamSteps(exchange, plan));
}

function* streamSteps({ behaviour }: Exchange, plan: StreamPlan): Generator<Step> {
  if (behaviour.empty === "body") return;
  const comment = behaviour.comments ? ": simulated keep-alive\n\n" : "";
  const middle = Math.floor(plan.tokenCount / 2);
  if (behaviour.firstTokenMs > 0) yield { waitMs: behaviour.firstTokenMs };
  const after = (frame: Frame): Frame => (typeof frame === "string" ? comment + frame : frame);
  for (const frame of plan.open) yield after(frame);
  let count = 0;
  for (const frame of plan.tokens) {
    if (count === middle) {
      if (behaviour.hang === "stream") yield hang;
      if (behaviour.drop === "stream") yield drop;
      if (behaviour.malformed) yield plan.malformed;
      if (behaviour.damaged && plan.damaged !== undefined) yield plan.damaged;
      if (behaviour.errorIn === "stream") {
        yield plan.error;
        return;
      }
    }
    if (behaviour.chunkMs > 0) yield { waitMs: behaviour.chunkMs };
    yield after(frame);
    count += 1;
  }
  for (const frame of plan.close) yield after(frame);
  if (behaviour.done && plan.done !== "") yield plan.done;
}

/** Takes steps until the socket is full, then waits for it to drain: a slow reader costs no memory here. */
function pump(exchange: Exchange, steps: Iterator<Step>): void {
  const { response, entry } = exchange;
  const run = () => {
    while (!exchange.closed) {
      const next = steps.next();
      if (next.done === true) {
        finish(exchange, "");
        return;
      }
      const step = next.value;
      if (step === hang) return;
      if (step === drop) {
        cut(exchange);
        return;
      }
      if (typeof step === "object" && "waitMs" in step) {
        later(exchange, step.waitMs, run);
        return;
      }
      entry.sentUnits += step.length;
      if (!(exchange.behaviour.split ? writeSplit(exchange, step) : response.write(step))) {
        response.once("drain", run);
        return;
      }
    }
  };
  run();
}

/** What was written still leaves, then the socket goes without the end of the answer. */
export function cut(exchange: Exchange): void {
  exchange.cut = true;
  // A turn later: Node 26 gives what was written to the socket at the end of this one.
  setImmediate(() => exchange.response.socket?.destroySoon());
}

function later(exchange: Exchange, delayMs: number, step: () => void): void {
  exchange.timer = setTimeout(step, delayMs);
}

function writeSplit({ response }: Exchange, piece: string | Uint8Array): boolean {
  const bytes = Buffer.from(piece);
  let writable = true;
  for (let start = 0; start < bytes.length; start += 7) writable = response.write(bytes.subarray(start, start + 7));
  return writable;
}

function finish(exchange: Exchange, body: string): void {
  exchange.entry.sentUnits += body.length;
  exchange.entry.finishedAtMs = nowMs();
  exchange.response.end(body);
}
