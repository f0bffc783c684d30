import type { DescMessage, MessageInitShape, MessageShape } from "@bufbuild/protobuf";
import { laneCodecs } from "../gen/lane_codecs.ts";
import type { Codec } from "./codec.ts";
import { Reader } from "./reader.ts";
import { Writer } from "./writer.ts";

/** The codec of a message. Throws where the message is on no lane: protobuf-es does for all others. */
export function codecOf(schema: DescMessage): Codec {
  const codec: Codec | undefined = laneCodecs[schema.typeName];
  if (codec === undefined) throw new Error(`${schema.typeName} has no generated codec: it travels on no lane`);
  return codec;
}

/** Makes what does the same as `create` of protobuf-es. */
export function creatorOf<D extends DescMessage>(schema: D): (init: MessageInitShape<D>) => MessageShape<D> {
  const codec = codecOf(schema);
  return (init) => codec.create(init) as MessageShape<D>;
}

/** Makes what does the same as `toBinary` of protobuf-es. */
export function encoderOf<D extends DescMessage>(schema: D): (message: MessageShape<D>) => Buffer {
  const codec = codecOf(schema);
  const writer = new Writer();
  return (message) => {
    writer.clear();
    codec.write(writer, message);
    return writer.finish();
  };
}

/** Makes what does the same as `fromBinary` of protobuf-es. */
export function decoderOf<D extends DescMessage>(schema: D): (bytes: Buffer) => MessageShape<D> {
  const codec = codecOf(schema);
  return (bytes) => codec.read(new Reader(bytes), bytes.length) as MessageShape<D>;
}
