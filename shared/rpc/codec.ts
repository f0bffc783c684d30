import { create, type DescMessage, toBinary } from "@bufbuild/protobuf";
import { codecOf, decoderOf } from "../codec/lanes.ts";
import { ThroughlineError } from "../errors/error.ts";
import { fromWireError } from "../errors/wire.ts";
import { ErrorSchema, type Want, WantSchema } from "../gen/throughline/common/v1/common_pb.ts";
import type { Pace } from "../pace.ts";
import type { SpentBuffers } from "../spent-buffers.ts";
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

/** A smaller message travels among others, in buffers that are let go of with much else. */
const largeBytes = 8 * 1024;

/** Each way a large message is copied twice between its maker and its reader: by the lane, and by grpc-js, which frames messages and puts them together. */
const copies = 2;

function countSpent(spent: SpentBuffers, bytes: number): void {
  if (bytes >= largeBytes) spent.add(copies * bytes);
}

/** Codec of a lane's client over gRPC: a payload is an encoded message. `spent`: told of the buffers that large ones take. */
export function wireClientCodec(shape: LaneShape, spent: SpentBuffers): ClientCodec<Buffer> {
  const item = itemMakerOf(shape.item);
  const decodeError = decoderOf(ErrorSchema);
  const decodeWant = decoderOf(WantSchema);
  const decodeFrame = decoderOf(shape.frame ?? shape.ok);
  return {
    item,
    decodeOk: decoderOf(shape.ok),
    decodeFrame(payload) {
      countSpent(spent, payload.byteLength);
      return decodeFrame(payload);
    },
    decodeError: (payload) => fromWireError(decodeError(payload)),
    decodeWant: (payload) => wantOf(decodeWant(payload)),
    data(offset, bytes) {
      countSpent(spent, bytes.byteLength);
      return item({ data: bytes, dataOffset: BigInt(offset) });
    },
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

/** Codec of a lane's server over gRPC. `spent`: as of the client's. */
export function wireServerCodec(shape: LaneShape, spent: SpentBuffers): ServerCodec<Buffer> {
  const messages = serverMessages(shape);
  const decodeItem = decoderOf(shape.item);
  return {
    ...messages,
    decodeItem(payload) {
      countSpent(spent, payload.byteLength);
      return decodeItem(payload);
    },
    bytes(kind, message) {
      const bytes = messages.bytes(kind, message);
      countSpent(spent, bytes);
      return bytes;
    },
  };
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
