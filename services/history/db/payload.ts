import { promisify } from "node:util";
import zlib from "node:zlib";
import { fromBinary } from "@bufbuild/protobuf";
import { compressSync, uncompressSync } from "snappy";
import { encoderOf } from "../../../shared/codec/lanes.ts";
import { createPayload } from "../../../shared/gen/lane_codecs.ts";
import { type Payload, PayloadSchema } from "../../../shared/gen/throughline/history/v1/payload_pb.ts";

/** First byte of a stored payload. Old values stay readable for ever: version 0.1 stored small ones as brotli, too. */
const codec = { plain: 0, brotli: 1, snappy: 2 } as const;

/** Smaller ones gain nothing. */
const minCompressed = 160;
/** Larger ones are compressed off the main thread: below, handing over costs more than it spares. */
const maxInline = 64 * 1024;

/**
 * Small payloads are packed on the main thread, for each request once, so that costs must be low: figures of the choice
 * are in services/history/README.md. Those of node:zlib go mostly into the making of a compressor.
 *
 * Copied output: buffers outside of the heap cost another 6 to 12 us each.
 */
const snappyOptions = { copyOutputData: true } as const;

/** Large ones: a second thread has the time, and the space counts. */
const brotliOptions = (size: number): zlib.BrotliOptions => ({
  chunkSize: maxInline,
  params: {
    [zlib.constants.BROTLI_PARAM_QUALITY]: 1,
    [zlib.constants.BROTLI_PARAM_LGWIN]: 20,
    [zlib.constants.BROTLI_PARAM_SIZE_HINT]: size,
  },
});

const compress = promisify<Uint8Array, zlib.BrotliOptions, Buffer>(zlib.brotliCompress);
const decompress = promisify<Uint8Array, Buffer>(zlib.brotliDecompress);

const serialize = encoderOf(PayloadSchema);

/** The fields of a Payload; all of them are bytes or text. */
export type PayloadFields = Omit<Payload, "$typeName" | "$unknown">;

/** A payload as it is stored, and its size before compression. */
export interface PackedPayload {
  readonly body: Buffer;
  readonly bytes: number;
}

/** Packs a payload. Gives a promise only for a large one, so that a batch of small ones costs no ticks. */
export function packPayload(payload: PayloadFields): PackedPayload | Promise<PackedPayload> {
  const plain = serialize(createPayload(payload));
  const bytes = plain.length;
  const pack = (kind: number, content: Uint8Array): PackedPayload => ({ body: withCodec(kind, content), bytes });
  if (bytes < minCompressed) return pack(codec.plain, plain);
  if (bytes <= maxInline) return pack(codec.snappy, compressSync(plain, snappyOptions));
  return compress(plain, brotliOptions(bytes)).then((content) => pack(codec.brotli, content));
}

/** Unpacks a stored payload. `bytes`: its size before compression, as the record says. */
export async function unpackPayload(body: Buffer, bytes: number): Promise<Payload> {
  return fromBinary(PayloadSchema, await unpack(body, bytes));
}

async function unpack(body: Buffer, bytes: number): Promise<Uint8Array> {
  const content = body.subarray(1);
  switch (body[0]) {
    case codec.plain:
      return content;
    case codec.snappy:
      return uncompressSync(content, { ...snappyOptions, asBuffer: true }) as Buffer;
    case codec.brotli:
      return bytes <= maxInline ? zlib.brotliDecompressSync(content) : decompress(content);
    default:
      throw new Error(`unknown codec ${body[0]} of a payload`);
  }
}

function withCodec(kind: number, content: Uint8Array): Buffer {
  const body = Buffer.allocUnsafe(content.length + 1);
  body[0] = kind;
  body.set(content, 1);
  return body;
}
