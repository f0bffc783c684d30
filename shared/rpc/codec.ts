import { create, type DescMessage, fromBinary, type Message, toBinary } from "@bufbuild/protobuf";
import { ThroughlineError } from "../errors/error.ts";
import { fromWireError, toWireError } from "../errors/wire.ts";
import { ErrorSchema, type Error as WireErrorMessage } from "../gen/throughline/common/v1/common_pb.ts";
import type { ClientCodec, ServerCodec } from "./link.ts";
import type { LaneShape } from "./shape.ts";

/** A message as the runtime sees it: what it is called, and its fields. */
type LooseMessage = Message & Record<string, unknown>;

/** The message that the fields make; the given object itself where it is one already. */
function messageOf(schema: DescMessage, init: unknown): LooseMessage {
  return create(schema, init as Record<string, unknown>) as LooseMessage;
}

/** The item without its call: that travels in the envelope. Never changes what the caller gave. */
function itemOf(schema: DescMessage, init: unknown): LooseMessage {
  const item = messageOf(schema, init);
  if (item.call === undefined) return item;
  const copy = item === init ? (Object.assign(Object.create(Object.getPrototypeOf(item)), item) as LooseMessage) : item;
  copy.call = undefined;
  return copy;
}

/** Codec of a lane's client over gRPC: a payload is the encoded message. */
export function wireClientCodec(shape: LaneShape): ClientCodec<Uint8Array> {
  return {
    encodeItem: (init) => toBinary(shape.item, itemOf(shape.item, init)),
    bytes: (payload) => payload.byteLength,
    decodeOk: (payload) => fromBinary(shape.ok, payload),
    decodeFrame: (payload) => fromBinary(shape.frame ?? shape.ok, payload),
    decodeError: (payload) => fromWireError(fromBinary(ErrorSchema, payload)),
    // From Buffer's pool: an 8 KiB slab shared by neighbours beats an ArrayBuffer each, and a batch of a megabyte.
    hold: (payload) => {
      const copy = Buffer.from(payload);
      return new Uint8Array(copy.buffer, copy.byteOffset, copy.byteLength);
    },
  };
}

/** Codec of a lane's server over gRPC. */
export function wireServerCodec(shape: LaneShape): ServerCodec<Uint8Array> {
  return {
    decodeItem: (payload) => fromBinary(shape.item, payload),
    encodeOk: (init) => toBinary(shape.ok, messageOf(shape.ok, init)),
    encodeFrame: (init) => toBinary(shape.frame ?? shape.ok, messageOf(shape.frame ?? shape.ok, init)),
    encodeError: (error) => toBinary(ErrorSchema, messageOf(ErrorSchema, toWireError(error)) as WireErrorMessage),
    bytes: (payload) => payload.byteLength,
  };
}

/** Codec of a lane's client in process: a payload is the message itself. */
export function localClientCodec(shape: LaneShape): ClientCodec<unknown> {
  return {
    encodeItem: (init) => itemOf(shape.item, init),
    bytes: roughBytes,
    decodeOk: (payload) => payload,
    decodeFrame: (payload) => payload,
    decodeError: (payload) => ThroughlineError.from(payload),
    hold: (payload) => payload,
  };
}

/** Codec of a lane's server in process. */
export function localServerCodec(shape: LaneShape): ServerCodec<unknown> {
  return {
    decodeItem: (payload) => payload,
    encodeOk: (init) => messageOf(shape.ok, init),
    encodeFrame: (init) => messageOf(shape.frame ?? shape.ok, init),
    encodeError: (error) => error,
    bytes: roughBytes,
  };
}

/** Encodes a message for gRPC. The view is cut to the message: `toBinary` may hand out a part of a larger buffer. */
export function encodeMessage(schema: DescMessage, init: unknown): Buffer {
  const bytes = toBinary(schema, messageOf(schema, init));
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
