import { type DescMessage, ScalarType } from "@bufbuild/protobuf";
import type { Codec } from "../codec/codec.ts";
import { codecOf } from "../codec/lanes.ts";
import { Writer } from "../codec/writer.ts";
import { ThroughlineError } from "../errors/error.ts";
import { toWireError } from "../errors/wire.ts";
import { ErrorSchema, WantSchema } from "../gen/throughline/common/v1/common_pb.ts";
import { answerTooLargeError, tooLargeError } from "./faults.ts";
import type { LooseMessage, OutgoingItem, OutgoingResult, ResultKind } from "./link.ts";
import type { LaneShape } from "./shape.ts";
import { tagCallId, tagOp, tagRequestId, tagTimeout, tagTraceparent } from "./tags.ts";
import { Reader, WireError } from "./wire-reader.ts";

/**
 * Lane messages to bytes. A batch is written at once, and its envelopes by hand: they are no objects, neither here nor where
 * they are read.
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
  const sizeOf = bytesIn(shape.item);
  const codec = codecOf(shape.item);
  const encodeAll = createBatchEncoder<OutgoingItem>(shape.itemsTag, (writer, item) => {
    if (item.message !== undefined) codec.write(writer, item.message);
    const { size } = writer;
    writeCall(writer, item);
    writer.enclose(shape.tags.call, size);
  });

  return (items, maxItemBytes, write, unsent) => {
    inGroups(
      items,
      ({ message }) => sizeOf(message),
      (group) => {
        if (writeTogether(encodeAll, group, shape.itemsTag, maxItemBytes, write)) return;
        for (const item of group) {
          const error = writeAlone(encodeAll, item, maxItemBytes, tooLargeError, write);
          if (error !== undefined) unsent(item.callId, error);
        }
      },
    );
  };
}

/** Writes what `throughline.common.v1.Call` says of an item. */
function writeCall(writer: Writer, { callId, op, requestId, traceparent, timeoutMs }: OutgoingItem): void {
  if (op !== 0) {
    writer.uint32(op);
    writer.tag(tagOp);
  }
  if (timeoutMs !== 0) {
    writer.uint32(timeoutMs);
    writer.tag(tagTimeout);
  }
  if (traceparent !== "") {
    writer.text(traceparent);
    writer.tag(tagTraceparent);
  }
  if (requestId !== 0n) {
    writer.fixed64(requestId);
    writer.tag(tagRequestId);
  }
  writer.uint32(callId);
  writer.tag(tagCallId);
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
  const { tags } = shape;
  const outcomes: Readonly<Record<ResultKind, { readonly tag: number; readonly codec: Codec }>> = {
    ok: { tag: tags.ok, codec: codecOf(shape.ok) },
    error: { tag: tags.error, codec: codecOf(ErrorSchema) },
    frame: { tag: tags.frame, codec: codecOf(shape.frame ?? shape.ok) },
    want: { tag: tags.want, codec: codecOf(WantSchema) },
  };
  const encodeAll = createBatchEncoder<SentResult>(shape.resultsTag, (writer, { callId, kind, value }) => {
    const { tag, codec } = outcomes[kind];
    const { size } = writer;
    codec.write(writer, value instanceof ThroughlineError ? codec.create(toWireError(value)) : value);
    writer.enclose(tag, size);
    writer.uint32(callId);
    writer.tag(tagCallId);
  });

  return (results, maxResultBytes, write, unsent) => {
    const failed = new Set<number>();
    inGroups(
      results,
      ({ bytes }) => bytes,
      (group) => {
        if (failed.size === 0) {
          if (writeTogether(encodeAll, group, shape.resultsTag, maxResultBytes, write)) return;
        }
        for (const result of group) {
          const { callId } = result;
          if (failed.has(callId)) continue;
          const error = writeAlone(encodeAll, result, maxResultBytes, answerTooLargeError, write);
          if (error === undefined) continue;
          failed.add(callId);
          unsent(callId, error);
          writeAlone(encodeAll, { callId, kind: "error", value: error }, maxResultBytes, answerTooLargeError, write);
        }
      },
    );
  };
}

type SentResult = Pick<OutgoingResult, "callId" | "kind" | "value">;

/** Encodes entries as the only field of a message. */
type EncodeAll<E> = (entries: readonly E[]) => Buffer;

/** Makes what encodes entries; `write` writes the fields of one. */
function createBatchEncoder<E>(tag: number, write: (writer: Writer, entry: E) => void): EncodeAll<E> {
  const writer = new Writer();
  return (entries) => {
    writer.clear();
    for (let index = entries.length - 1; index >= 0; index -= 1) {
      const { size } = writer;
      write(writer, entries[index] as E);
      writer.enclose(tag, size);
    }
    return writer.finish();
  };
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

/** Writes the entries as a batch, or a few where they are large. False, and nothing written, where one of them cannot be sent. */
function writeTogether<E>(
  encodeAll: EncodeAll<E>,
  entries: readonly E[],
  tag: number,
  maxBytes: number,
  write: WriteMessage,
): boolean {
  const bytes = tryEncode(encodeAll, entries);
  if (bytes instanceof ThroughlineError) return false;
  if (bytes.byteLength <= maxBytes && bytes.byteLength <= batchBytes) {
    write(bytes);
    return true;
  }
  const cuts = cutsOf(bytes, tag, maxBytes);
  if (cuts === undefined) return false;
  let start = 0;
  for (const cut of cuts) {
    write(bytes.subarray(start, cut));
    start = cut;
  }
  return true;
}

/** Where to cut a batch that is too large for one message; undefined where an entry alone is above the limit. */
function cutsOf(bytes: Buffer, tag: number, maxBytes: number): number[] | undefined {
  const reader = new Reader(bytes, 0, bytes.byteLength);
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

/** Writes an entry that may be what a batch could not be sent for; the error where it is. */
function writeAlone<E>(
  encodeAll: EncodeAll<E>,
  entry: E,
  maxBytes: number,
  tooLarge: (bytes: number, maxBytes: number) => ThroughlineError,
  write: WriteMessage,
): ThroughlineError | undefined {
  const bytes = tryEncode(encodeAll, [entry]);
  if (bytes instanceof ThroughlineError) return bytes;
  if (bytes.byteLength > maxBytes + framingBytes) return tooLarge(bytes.byteLength, maxBytes);
  write(bytes);
  return undefined;
}

/** Tag and length of the only entry of a batch. */
const framingBytes = 6;

function tryEncode<E>(encodeAll: EncodeAll<E>, entries: readonly E[]): Buffer | ThroughlineError {
  try {
    return encodeAll(entries);
  } catch (error) {
    return ThroughlineError.from(error);
  }
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
