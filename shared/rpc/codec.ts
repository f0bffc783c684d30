import { create, type DescMessage, fromBinary, type Message, ScalarType, toBinary } from "@bufbuild/protobuf";
import { ThroughlineError } from "../errors/error.ts";
import { fromWireError } from "../errors/wire.ts";
import { ErrorSchema, type Want, WantSchema } from "../gen/throughline/common/v1/common_pb.ts";
import type { Pace } from "../pace.ts";
import type { ClientCodec, LooseMessage, ServerCodec } from "./link.ts";
import type { LaneShape } from "./shape.ts";

/** The message that the fields make; the given object itself where it is one already. */
function messageOf(schema: DescMessage, init: unknown): LooseMessage {
  return create(schema, init as Record<string, unknown>) as LooseMessage;
}

/** The item without its call, which the envelope carries; a message of our own, because the link sets its call. */
function itemOf(schema: DescMessage, init: unknown): LooseMessage {
  const message = messageOf(schema, init);
  const item =
    message === init
      ? (Object.assign(Object.create(Object.getPrototypeOf(message)), message) as LooseMessage)
      : message;
  item.call = undefined;
  return item;
}

/** Codec of a lane's client over gRPC: a payload is an encoded message. */
export function wireClientCodec(shape: LaneShape): ClientCodec<Uint8Array> {
  return {
    item: (init) => itemOf(shape.item, init),
    decodeOk: (payload) => fromBinary(shape.ok, payload),
    decodeFrame: (payload) => fromBinary(shape.frame ?? shape.ok, payload),
    decodeError: (payload) => fromWireError(fromBinary(ErrorSchema, payload)),
    decodeWant: (payload) => wantOf(fromBinary(WantSchema, payload)),
    data: (offset, bytes) => dataItem(shape, offset, bytes),
    bytes: (payload) => payload.byteLength,
    // From Buffer's pool: an 8 KiB slab shared by neighbours beats an ArrayBuffer each, and a batch of a megabyte.
    hold: (payload) => {
      const copy = Buffer.from(payload);
      return new Uint8Array(copy.buffer, copy.byteOffset, copy.byteLength);
    },
  };
}

/** Codec of a lane's server over gRPC. */
export function wireServerCodec(shape: LaneShape): ServerCodec<Uint8Array> {
  return { ...serverMessages(shape), decodeItem: (payload) => fromBinary(shape.item, payload) };
}

/** Codec of a lane's client in process: a payload is the message itself, or the error. */
export function localClientCodec(shape: LaneShape): ClientCodec<unknown> {
  return {
    item: (init) => itemOf(shape.item, init),
    decodeOk: (payload) => payload,
    decodeFrame: (payload) => payload,
    decodeError: (payload) => ThroughlineError.from(payload),
    decodeWant: (payload) => wantOf(payload as Want),
    data: (offset, bytes) => dataItem(shape, offset, bytes),
    bytes: roughBytes,
    hold: (payload) => payload,
  };
}

/** Codec of a lane's server in process. */
export function localServerCodec(shape: LaneShape): ServerCodec<unknown> {
  return { ...serverMessages(shape), decodeItem: (payload) => payload };
}

function wantOf({ offset, bytes }: Want): { readonly offset: number; readonly bytes: number } {
  return { offset: Number(offset), bytes };
}

function dataItem(shape: LaneShape, offset: number, bytes: Uint8Array): LooseMessage {
  return messageOf(shape.item, { data: bytes, dataOffset: BigInt(offset) });
}

/** The fields of an item that are about its call's body; absent where the method knows none. */
interface BodyFields {
  readonly data?: Uint8Array;
  readonly dataOffset?: bigint;
  readonly bodyLength?: bigint;
}

function serverMessages(shape: LaneShape): Omit<ServerCodec<never>, "decodeItem"> {
  const hasBodies = shape.tags.want !== 0;
  const sizes = { ok: createSizeOf(shape.ok), frame: createSizeOf(shape.frame ?? shape.ok) };
  return {
    ok: (init) => messageOf(shape.ok, init),
    frame: (init) => messageOf(shape.frame ?? shape.ok, init),
    want: (offset, bytes) => create(WantSchema, { offset: BigInt(offset), bytes }) as Message as LooseMessage,
    bodyLength: (item) => (hasBodies ? Number((item as BodyFields).bodyLength ?? 0n) : 0),
    pieceOf: (item) => {
      const { data, dataOffset } = item as BodyFields;
      return { offset: Number(dataOffset ?? 0n), bytes: data ?? new Uint8Array() };
    },
    bytes: (kind, message) => sizes[kind](message),
  };
}

/** Encodes a message for gRPC. The view is cut to the message: `toBinary` may hand out a part of a larger buffer. */
export function encodeMessage(schema: DescMessage, init: unknown): Buffer {
  const bytes = toBinary(schema, messageOf(schema, init));
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** Counts what makes messages of a kind large, in themselves and in the messages that they hold singly: bytes and texts. */
export function createSizeOf(schema: DescMessage): (message: unknown) => number {
  const count = sizeCounter(schema, []);
  return count ?? (() => 0);
}

/** Undefined: nothing in messages of this kind can be large. */
function sizeCounter(schema: DescMessage, within: readonly DescMessage[]): ((message: unknown) => number) | undefined {
  const large: string[] = [];
  const held: { readonly name: string; readonly count: (message: unknown) => number }[] = [];
  for (const field of schema.fields) {
    const name = field.localName;
    if (field.oneof !== undefined || (field.fieldKind !== "scalar" && field.fieldKind !== "message")) continue;
    if (field.fieldKind === "scalar") {
      if (field.scalar === ScalarType.BYTES || field.scalar === ScalarType.STRING) large.push(name);
      continue;
    }
    if (within.includes(field.message)) continue;
    const count = sizeCounter(field.message, [...within, schema]);
    if (count !== undefined) held.push({ name, count });
  }
  if (large.length === 0 && held.length === 0) return undefined;
  return (message) => {
    if (message === undefined) return 0;
    const fields = message as Record<string, unknown>;
    let total = 0;
    for (const name of large) total += (fields[name] as { readonly length: number } | undefined)?.length ?? 0;
    for (const { name, count } of held) total += count(fields[name]);
    return total;
  };
}

/** About what a message would weigh encoded: the bytes and characters in it, 8 for anything else. */
export function roughBytes(value: unknown): number {
  if (typeof value === "string") return value.length;
  if (value instanceof Uint8Array) return value.byteLength;
  if (typeof value !== "object" || value === null) return 8;
  let total = 0;
  if (Array.isArray(value)) {
    for (const element of value) total += roughBytes(element);
    return total;
  }
  for (const key in value) {
    if (key !== "$typeName") total += roughBytes((value as Record<string, unknown>)[key]);
  }
  return total;
}

/** Longer lists are counted in turns with others' work: a thousand records of history in one go took 3 to 9 ms. */
const longList = 64;

/** The same of an answer; a promise where a list in it is long. */
export function roughBytesInTurns(message: unknown, pace: Pace): number | Promise<number> {
  const fields = typeof message === "object" && message !== null ? valuesOf(message) : [];
  const isLong = (field: unknown): boolean => Array.isArray(field) && field.length > longList;
  return fields.some(isLong) ? countLists(fields, pace) : roughBytes(message);
}

function valuesOf(message: object): unknown[] {
  return Object.entries(message).flatMap(([name, value]: [string, unknown]) => (name === "$typeName" ? [] : [value]));
}

async function countLists(fields: readonly unknown[], pace: Pace): Promise<number> {
  let total = 0;
  for (const field of fields) {
    for (const element of Array.isArray(field) ? field : [field]) {
      total += roughBytes(element);
      const others = pace();
      if (others !== undefined) await others;
    }
  }
  return total;
}
