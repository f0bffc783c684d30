import { create, type DescMessage, toBinary } from "@bufbuild/protobuf";
import { codecOf, decoderOf } from "../codec/lanes.ts";
import { ThroughlineError } from "../errors/error.ts";
import { fromWireError } from "../errors/wire.ts";
import { ErrorSchema, type Want, WantSchema } from "../gen/throughline/common/v1/common_pb.ts";
import type { Pace } from "../pace.ts";
import type { ClientCodec, LooseMessage, ServerCodec } from "./link.ts";
import type { LaneShape } from "./shape.ts";

type Maker = (init: unknown) => LooseMessage;

/** Makes messages of fields; the given object itself where it is one already. */
function makerOf(schema: DescMessage): Maker {
  const codec = codecOf(schema);
  return (init) => codec.create(init as object) as LooseMessage;
}

/** Makes items without their call, which the envelope carries. */
function itemMakerOf(schema: DescMessage): Maker {
  const make = makerOf(schema);
  return (init) => {
    const item = make(init);
    return item.call === undefined ? item : { ...item, call: undefined };
  };
}

/** Codec of a lane's client over gRPC: a payload is an encoded message. */
export function wireClientCodec(shape: LaneShape): ClientCodec<Buffer> {
  const item = itemMakerOf(shape.item);
  const decodeError = decoderOf(ErrorSchema);
  const decodeWant = decoderOf(WantSchema);
  return {
    item,
    decodeOk: decoderOf(shape.ok),
    decodeFrame: decoderOf(shape.frame ?? shape.ok),
    decodeError: (payload) => fromWireError(decodeError(payload)),
    decodeWant: (payload) => wantOf(decodeWant(payload)),
    data: (offset, bytes) => item({ data: bytes, dataOffset: BigInt(offset) }),
    bytes: (payload) => payload.byteLength,
    hold: held,
  };
}

/** A larger payload has memory of its own. */
const maxPooledBytes = 1024;

/**
 * A copy that does not pin the batch that it came in. Small ones are from Buffer's pool: a slab shared by neighbours beats an ArrayBuffer each.
 * A large one would keep 64 KiB of it for as long as nobody reads.
 */
function held(payload: Buffer): Buffer {
  if (payload.length <= maxPooledBytes) return Buffer.from(payload);
  const own = Buffer.allocUnsafeSlow(payload.length);
  own.set(payload);
  return own;
}

/** Codec of a lane's server over gRPC. */
export function wireServerCodec(shape: LaneShape): ServerCodec<Buffer> {
  return { ...serverMessages(shape), decodeItem: decoderOf(shape.item) };
}

/** Codec of a lane's client in process: a payload is the message itself, or the error. */
export function localClientCodec(shape: LaneShape): ClientCodec<unknown> {
  const item = itemMakerOf(shape.item);
  return {
    item,
    decodeOk: (payload) => payload,
    decodeFrame: (payload) => payload,
    decodeError: (payload) => ThroughlineError.from(payload),
    decodeWant: (payload) => wantOf(payload as Want),
    data: (offset, bytes) => item({ data: bytes, dataOffset: BigInt(offset) }),
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

/** The fields of an item that are about its call's body; absent where the method knows none. */
interface BodyFields {
  readonly data?: Uint8Array;
  readonly dataOffset?: bigint;
  readonly bodyLength?: bigint;
}

function serverMessages(shape: LaneShape): Omit<ServerCodec<never>, "decodeItem"> {
  const hasBodies = shape.tags.want !== 0;
  const codecs = { ok: codecOf(shape.ok), frame: codecOf(shape.frame ?? shape.ok) };
  const want = makerOf(WantSchema);
  return {
    ok: makerOf(shape.ok),
    frame: makerOf(shape.frame ?? shape.ok),
    want: (offset, bytes) => want({ offset: BigInt(offset), bytes }),
    bodyLength: (item) => (hasBodies ? Number((item as BodyFields).bodyLength ?? 0n) : 0),
    pieceOf: (item) => {
      const { data, dataOffset } = item as BodyFields;
      return { offset: Number(dataOffset ?? 0n), bytes: data ?? new Uint8Array() };
    },
    bytes: (kind, message) => codecs[kind].weigh(message),
  };
}

/** Encodes a message of a unary call for gRPC. The view is cut to the message: `toBinary` may hand out a part of a larger buffer. */
export function encodeMessage(schema: DescMessage, init: unknown): Buffer {
  const bytes = toBinary(schema, create(schema, init as Record<string, unknown>));
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
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
