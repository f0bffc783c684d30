import type { CallOp, OutgoingItem, OutgoingResult, ResultKind } from "./link.ts";
import type { LaneShape } from "./shape.ts";

/**
 * The envelope of a lane, by hand. A message is encoded once, when its call is made; the envelope (call_id, time left)
 * is known only when a lane is chosen, and again when the call is sent on another. Protobuf lets the two be joined by
 * copying: a field is its tag, its length and its bytes.
 */

/** Batches are cut above this many bytes, so that a large one does not hold up the lane; an item is never cut. */
export const batchBytes = 1024 * 1024;

/** What an envelope adds to a payload, at most (a traceparent is 55 characters). */
export const envelopeBytes = 512;

const tagCallId = 0x08;
const tagRequestId = 0x11;
const tagTraceparent = 0x1a;
const tagTimeout = 0x20;
const tagOp = 0x28;
const wireVarint = 0;
const wireFixed64 = 1;
const wireBytes = 2;
const wireFixed32 = 5;

/** Encodes items into one message, or several where they do not fit in one, and gives each to `write`. */
export function encodeItems(
  shape: LaneShape,
  items: readonly OutgoingItem<Uint8Array>[],
  write: (message: Buffer) => void,
): void {
  const callSizes: number[] = [];
  const sizes: number[] = [];
  for (const item of items) {
    const call = callSize(item);
    callSizes.push(call);
    sizes.push(1 + varintSize(call) + call + (item.payload?.byteLength ?? 0));
  }
  inMessages(sizes, write, (index, buffer, start) => {
    const item = items[index] as OutgoingItem<Uint8Array>;
    let offset = writeVarint(buffer, writeByte(buffer, start, shape.tags.items), sizes[index] as number);
    offset = writeVarint(buffer, writeByte(buffer, offset, shape.tags.call), callSizes[index] as number);
    offset = writeCall(buffer, offset, item);
    if (item.payload !== undefined) buffer.set(item.payload, offset);
  });
}

/** Encodes results into one message, or several where they do not fit in one, and gives each to `write`. */
export function encodeResults(
  shape: LaneShape,
  results: readonly OutgoingResult<Uint8Array>[],
  write: (message: Buffer) => void,
): void {
  const sizes = results.map(({ callId, payload }) => {
    return 2 + varintSize(callId) + varintSize(payload.byteLength) + payload.byteLength;
  });
  inMessages(sizes, write, (index, buffer, start) => {
    const { callId, kind, payload } = results[index] as OutgoingResult<Uint8Array>;
    let offset = writeVarint(buffer, writeByte(buffer, start, shape.tags.results), sizes[index] as number);
    offset = writeVarint(buffer, writeByte(buffer, offset, tagCallId), callId);
    offset = writeVarint(buffer, writeByte(buffer, offset, shape.tags[kind]), payload.byteLength);
    buffer.set(payload, offset);
  });
}

/** Lays entries of the given sizes (each with a tag and its length before it) into buffers of about `batchBytes`. */
function inMessages(
  sizes: readonly number[],
  write: (message: Buffer) => void,
  fill: (index: number, buffer: Buffer, offset: number) => void,
): void {
  let first = 0;
  while (first < sizes.length) {
    let total = 0;
    let end = first;
    while (end < sizes.length) {
      const size = sizes[end] as number;
      const framed = 1 + varintSize(size) + size;
      if (end > first && total + framed > batchBytes) break;
      total += framed;
      end += 1;
    }
    const buffer = Buffer.allocUnsafe(total);
    let offset = 0;
    for (let index = first; index < end; index += 1) {
      fill(index, buffer, offset);
      const size = sizes[index] as number;
      offset += 1 + varintSize(size) + size;
    }
    write(buffer);
    first = end;
  }
}

function callSize(item: OutgoingItem<Uint8Array>): number {
  let size = 1 + varintSize(item.callId);
  if (item.requestId !== 0n) size += 9;
  if (item.traceparent !== "") {
    const length = Buffer.byteLength(item.traceparent);
    size += 1 + varintSize(length) + length;
  }
  if (item.timeoutMs !== 0) size += 1 + varintSize(item.timeoutMs);
  if (item.op !== 0) size += 2;
  return size;
}

function writeCall(buffer: Buffer, start: number, item: OutgoingItem<Uint8Array>): number {
  let offset = writeVarint(buffer, writeByte(buffer, start, tagCallId), item.callId);
  if (item.requestId !== 0n) {
    offset = buffer.writeBigUInt64LE(item.requestId, writeByte(buffer, offset, tagRequestId));
  }
  if (item.traceparent !== "") {
    offset = writeByte(buffer, offset, tagTraceparent);
    offset = writeVarint(buffer, offset, Buffer.byteLength(item.traceparent));
    offset += buffer.write(item.traceparent, offset);
  }
  if (item.timeoutMs !== 0) offset = writeVarint(buffer, writeByte(buffer, offset, tagTimeout), item.timeoutMs);
  if (item.op !== 0) offset = writeByte(buffer, writeByte(buffer, offset, tagOp), item.op);
  return offset;
}

function varintSize(value: number): number {
  if (value < 0x80) return 1;
  if (value < 0x4000) return 2;
  if (value < 0x200000) return 3;
  return value < 0x10000000 ? 4 : 5;
}

function writeByte(buffer: Buffer, offset: number, value: number): number {
  buffer[offset] = value;
  return offset + 1;
}

function writeVarint(buffer: Buffer, start: number, value: number): number {
  let offset = start;
  let rest = value;
  while (rest >= 0x80) {
    buffer[offset] = (rest & 0x7f) | 0x80;
    rest = Math.floor(rest / 0x80);
    offset += 1;
  }
  buffer[offset] = rest;
  return offset + 1;
}

/** What a peer sent is not a lane's message. */
export class WireError extends Error {
  override readonly name = "WireError";
}

/** A place in a message that moves on as it is read. */
class Reader {
  readonly buffer: Buffer;
  offset: number;
  readonly end: number;

  constructor(buffer: Buffer, offset: number, end: number) {
    this.buffer = buffer;
    this.offset = offset;
    this.end = end;
  }

  /** A varint of up to 64 bits; exact up to 2^53. */
  varint(): number {
    let value = 0;
    let scale = 1;
    for (let index = 0; index < 10; index += 1) {
      if (this.offset >= this.end) break;
      const byte = this.buffer[this.offset] as number;
      this.offset += 1;
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
      scale *= 0x80;
    }
    throw new WireError("a number is cut short");
  }

  /** The length that opens a field of bytes; it fits into what is left. */
  length(): number {
    const length = this.varint();
    if (length > this.end - this.offset) throw new WireError("a field is longer than its message");
    return length;
  }

  fixed64(): bigint {
    if (this.end - this.offset < 8) throw new WireError("a number is cut short");
    const value = this.buffer.readBigUInt64LE(this.offset);
    this.offset += 8;
    return value;
  }

  /** Skips a field that this version does not know. */
  skip(tag: number): void {
    const wireType = tag & 7;
    if (wireType === wireVarint) this.varint();
    else if (wireType === wireBytes) {
      const length = this.length();
      this.offset += length;
    } else if (wireType === wireFixed64) this.offset += 8;
    else if (wireType === wireFixed32) this.offset += 4;
    else throw new WireError(`a field has the wire type ${wireType}`);
  }
}

/** Takes one item apart: `payload` is the item's message without its call. */
export type ItemVisitor = (
  callId: number,
  op: CallOp,
  requestId: bigint,
  traceparent: string,
  timeoutMs: number,
  payload: Uint8Array,
) => void;

/** Reads a message of items. Throws WireError where it is none. */
export function decodeItems(shape: LaneShape, message: Buffer, visit: ItemVisitor): void {
  const reader = new Reader(message, 0, message.byteLength);
  while (reader.offset < reader.end) {
    const tag = reader.varint();
    if (tag !== shape.tags.items) {
      reader.skip(tag);
      continue;
    }
    const length = reader.length();
    decodeItem(shape, new Reader(message, reader.offset, reader.offset + length), visit);
    reader.offset += length;
  }
}

function decodeItem(shape: LaneShape, reader: Reader, visit: ItemVisitor): void {
  const { buffer, end } = reader;
  let callId = 0;
  let op = 0;
  let requestId = 0n;
  let traceparent = "";
  let timeoutMs = 0;
  // Our own encoder, and every one that writes fields in order, puts the call first.
  if (reader.offset >= end || buffer[reader.offset] !== shape.tags.call) {
    throw new WireError("an item does not open with its call");
  }
  reader.offset += 1;
  const callLength = reader.length();
  const call = new Reader(buffer, reader.offset, reader.offset + callLength);
  while (call.offset < call.end) {
    const tag = call.varint();
    if (tag === tagCallId) callId = call.varint();
    else if (tag === tagRequestId) requestId = call.fixed64();
    else if (tag === tagTraceparent) {
      const length = call.length();
      traceparent = buffer.toString("utf8", call.offset, call.offset + length);
      call.offset += length;
    } else if (tag === tagTimeout) timeoutMs = call.varint();
    else if (tag === tagOp) op = call.varint();
    else call.skip(tag);
  }
  const payload = viewOf(buffer, call.end, end);
  visit(callId, op as CallOp, requestId, traceparent, timeoutMs, payload);
}

/** Takes one result apart. */
export type ResultVisitor = (callId: number, kind: ResultKind, payload: Uint8Array) => void;

/** Reads a message of results. Throws WireError where it is none. */
export function decodeResults(shape: LaneShape, message: Buffer, visit: ResultVisitor): void {
  const reader = new Reader(message, 0, message.byteLength);
  while (reader.offset < reader.end) {
    const tag = reader.varint();
    if (tag !== shape.tags.results) {
      reader.skip(tag);
      continue;
    }
    const end = reader.length() + reader.offset;
    const result = new Reader(message, reader.offset, end);
    let callId = 0;
    while (result.offset < end) {
      const field = result.varint();
      if (field === tagCallId) {
        callId = result.varint();
        continue;
      }
      const kind = kindOf(shape, field);
      if (kind === undefined) {
        result.skip(field);
        continue;
      }
      const length = result.length();
      visit(callId, kind, viewOf(message, result.offset, result.offset + length));
      result.offset += length;
    }
    reader.offset = end;
  }
}

function kindOf(shape: LaneShape, tag: number): ResultKind | undefined {
  if (tag === shape.tags.ok) return "ok";
  if (tag === shape.tags.error) return "error";
  return tag === shape.tags.frame && shape.frame !== undefined ? "frame" : undefined;
}

/** A view, not a Buffer: what becomes of it are a message's `bytes`, and those are plain Uint8Arrays in process too. */
function viewOf(buffer: Buffer, start: number, end: number): Uint8Array {
  return new Uint8Array(buffer.buffer, buffer.byteOffset + start, end - start);
}
