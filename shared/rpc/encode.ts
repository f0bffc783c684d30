import { create, type DescMessage, ScalarType, toBinary } from "@bufbuild/protobuf";
import { ThroughlineError } from "../errors/error.ts";
import { toWireError } from "../errors/wire.ts";
import { CallSchema, ErrorSchema } from "../gen/throughline/common/v1/common_pb.ts";
import { answerTooLargeError, tooLargeError } from "./faults.ts";
import type { LooseMessage, OutgoingItem, OutgoingResult } from "./link.ts";
import type { LaneShape } from "./shape.ts";
import { Reader, WireError } from "./wire-reader.ts";

/**
 * Lane messages to bytes. A batch is encoded by one `toBinary`: protobuf-es allocates and grows a buffer a call, and 64
 * items of 300 bytes cost 0.8 us each together but 3.5 us each one by one.
 */

/** Batches are cut above this many bytes, so that a large one does not hold up the lane; an item is never cut. */
export const batchBytes = 1024 * 1024;

/** Gives encoded messages to the stream. */
export type WriteMessage = (message: Buffer) => void;
/** Tells of an entry that could not be sent. */
export type OnUnsent = (callId: number, error: ThroughlineError) => void;

/** Encodes items for a lane. */
export type ItemEncoder = (
  items: readonly OutgoingItem[],
  maxItemBytes: number,
  write: WriteMessage,
  unsent: OnUnsent,
) => void;

/** Makes the encoder of a lane's items. */
export function createItemEncoder(shape: LaneShape): ItemEncoder {
  const encodeAll = batchEncoder(shape.input, "items");
  const sizeOf = bytesIn(shape.item);

  function messageOf(item: OutgoingItem): LooseMessage {
    const message = item.message ?? (create(shape.item) as LooseMessage);
    const { callId, op, requestId, traceparent, timeoutMs } = item;
    message.call = create(CallSchema, { callId, op, requestId, traceparent, timeoutMs });
    return message;
  }

  return (items, maxItemBytes, write, unsent) => {
    inGroups(
      items,
      ({ message }) => sizeOf(message),
      (group) => {
        const messages = group.map(messageOf);
        if (writeTogether(encodeAll, messages, shape.itemsTag, maxItemBytes, write)) return;
        for (const [index, message] of messages.entries()) {
          const error = writeAlone(encodeAll, message, maxItemBytes, tooLargeError, write);
          if (error !== undefined) unsent((group[index] as OutgoingItem).callId, error);
        }
      },
    );
  };
}

/** Encodes results for a lane. */
export type ResultEncoder = (
  results: readonly OutgoingResult[],
  maxResultBytes: number,
  write: WriteMessage,
  unsent: OnUnsent,
) => void;

/** Makes the encoder of a lane's results. A result that cannot be sent becomes an error, the last of its call. */
export function createResultEncoder(shape: LaneShape): ResultEncoder {
  const encodeAll = batchEncoder(shape.output, "results");
  const $typeName = shape.result.typeName;

  function messageOf({ callId, kind, value }: Omit<OutgoingResult, "bytes">): LooseMessage {
    const message = value instanceof ThroughlineError ? create(ErrorSchema, toWireError(value)) : value;
    return { $typeName, callId, outcome: { case: kind, value: message } };
  }

  return (results, maxResultBytes, write, unsent) => {
    const failed = new Set<number>();
    inGroups(
      results,
      ({ bytes }) => bytes,
      (group) => {
        if (failed.size === 0) {
          if (writeTogether(encodeAll, group.map(messageOf), shape.resultsTag, maxResultBytes, write)) return;
        }
        for (const result of group) {
          const { callId } = result;
          if (failed.has(callId)) continue;
          const error = writeAlone(encodeAll, messageOf(result), maxResultBytes, answerTooLargeError, write);
          if (error === undefined) continue;
          failed.add(callId);
          unsent(callId, error);
          writeAlone(
            encodeAll,
            messageOf({ callId, kind: "error", value: error }),
            maxResultBytes,
            answerTooLargeError,
            write,
          );
        }
      },
    );
  };
}

type EncodeAll = (messages: LooseMessage[]) => Uint8Array;

function batchEncoder(batch: DescMessage, field: string): EncodeAll {
  const $typeName = batch.typeName;
  return (messages) => toBinary(batch, { $typeName, [field]: messages } as LooseMessage);
}

/** Cuts entries into groups of about a batch, so that many large ones are not copied into one buffer. */
function inGroups<E>(entries: readonly E[], sizeOf: (entry: E) => number, send: (group: readonly E[]) => void): void {
  let first = 0;
  let total = 0;
  for (let index = 0; index < entries.length; index += 1) {
    const size = sizeOf(entries[index] as E);
    if (index > first && total + size > batchBytes) {
      send(entries.slice(first, index));
      first = index;
      total = 0;
    }
    total += size;
  }
  if (first === 0) send(entries);
  else send(entries.slice(first));
}

/** Writes the messages as a batch, or a few where they are large. False, and nothing written, where one of them cannot be sent. */
function writeTogether(
  encodeAll: EncodeAll,
  messages: LooseMessage[],
  tag: number,
  maxBytes: number,
  write: WriteMessage,
): boolean {
  const bytes = tryEncode(encodeAll, messages);
  if (bytes instanceof ThroughlineError) return false;
  if (bytes.byteLength <= maxBytes && bytes.byteLength <= batchBytes) {
    write(bufferOf(bytes, 0, bytes.byteLength));
    return true;
  }
  const cuts = cutsOf(bytes, tag, maxBytes);
  if (cuts === undefined) return false;
  let start = 0;
  for (const cut of cuts) {
    write(bufferOf(bytes, start, cut));
    start = cut;
  }
  return true;
}

/** Where to cut a batch that is too large for one message; undefined where an entry alone is above the limit. */
function cutsOf(bytes: Uint8Array, tag: number, maxBytes: number): number[] | undefined {
  const reader = new Reader(bufferOf(bytes, 0, bytes.byteLength), 0, bytes.byteLength);
  const cuts: number[] = [];
  let start = 0;
  while (reader.offset < reader.end) {
    const entryStart = reader.offset;
    if (reader.varint() !== tag) throw new WireError("a batch has a foreign field");
    const length = reader.length();
    if (length > maxBytes) return undefined;
    reader.offset += length;
    if (entryStart > start && reader.offset - start > batchBytes) {
      cuts.push(entryStart);
      start = entryStart;
    }
  }
  cuts.push(reader.end);
  return cuts;
}

/** Writes a message that may be what a batch could not be sent for; the error where it is. */
function writeAlone(
  encodeAll: EncodeAll,
  message: LooseMessage,
  maxBytes: number,
  tooLarge: (bytes: number, maxBytes: number) => ThroughlineError,
  write: WriteMessage,
): ThroughlineError | undefined {
  const bytes = tryEncode(encodeAll, [message]);
  if (bytes instanceof ThroughlineError) return bytes;
  if (bytes.byteLength > maxBytes + framingBytes) return tooLarge(bytes.byteLength, maxBytes);
  write(bufferOf(bytes, 0, bytes.byteLength));
  return undefined;
}

/** Tag and length of the only entry of a batch. */
const framingBytes = 6;

function tryEncode(encodeAll: EncodeAll, messages: LooseMessage[]): Uint8Array | ThroughlineError {
  try {
    return encodeAll(messages);
  } catch (error) {
    return ThroughlineError.from(error);
  }
}

function bufferOf(bytes: Uint8Array, start: number, end: number): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start);
}

/** A quick count of what makes a message large: its own `bytes` fields. */
function bytesIn(schema: DescMessage): (message: LooseMessage | undefined) => number {
  const names = schema.fields
    .filter((field) => field.fieldKind === "scalar" && field.scalar === ScalarType.BYTES)
    .map(({ localName }) => localName);
  return (message) => {
    let total = 0;
    for (const name of names) total += (message?.[name] as Uint8Array | undefined)?.byteLength ?? 0;
    return total;
  };
}
