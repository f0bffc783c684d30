import type { CallOp, ResultKind } from "./link.ts";
import type { LaneShape } from "./shape.ts";
import { tagCallId, tagOp, tagRequestId, tagTimeout, tagTraceparent } from "./tags.ts";
import { Reader, WireError } from "./wire-reader.ts";

/**
 * Lane messages from bytes. A batch is taken apart by hand, so that an item that is no message fails alone, a frame is
 * decoded when it is read, and the envelope makes no objects.
 */

/** Takes one item apart: `payload` is the item's message without its call. */
export type ItemVisitor = (
  callId: number,
  op: CallOp,
  requestId: bigint,
  traceparent: string,
  timeoutMs: number,
  payload: Buffer,
) => void;

/** Reads a message of items. Throws WireError where it is none. */
export function decodeItems(shape: LaneShape, message: Buffer, visit: ItemVisitor): void {
  const reader = new Reader(message, 0, message.byteLength);
  while (reader.offset < reader.end) {
    const tag = reader.varint();
    if (tag !== shape.itemsTag) {
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
  const payload = buffer.subarray(call.end, end);
  visit(callId, op as CallOp, requestId, traceparent, timeoutMs, payload);
}

/** Takes one result apart. */
export type ResultVisitor = (callId: number, kind: ResultKind, payload: Buffer) => void;

/** Reads a message of results. Throws WireError where it is none. */
export function decodeResults(shape: LaneShape, message: Buffer, visit: ResultVisitor): void {
  const reader = new Reader(message, 0, message.byteLength);
  while (reader.offset < reader.end) {
    const tag = reader.varint();
    if (tag !== shape.resultsTag) {
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
      visit(callId, kind, message.subarray(result.offset, result.offset + length));
      result.offset += length;
    }
    reader.offset = end;
  }
}

function kindOf(shape: LaneShape, tag: number): ResultKind | undefined {
  if (tag === shape.tags.ok) return "ok";
  if (tag === shape.tags.error) return "error";
  if (tag === shape.tags.frame && shape.frame !== undefined) return "frame";
  return tag === shape.tags.want && shape.tags.want !== 0 ? "want" : undefined;
}
