import { promisify } from "node:util";
import zlib from "node:zlib";
import { create, fromBinary, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { type Payload, PayloadSchema } from "../../../shared/gen/throughline/history/v1/payload_pb.ts";

/** First byte of a stored payload. Old values stay readable for ever. */
const codec = { plain: 0, brotli: 1 } as const;

/** Smaller ones gain nothing. */
const minCompressed = 160;
/** Larger ones are compressed off the main thread: below, handing over costs more than it spares. */
const maxInline = 64 * 1024;

/**
 * Brotli at its lowest level with a small window: measured on chat answers of 2.3 kB it costs 17 us and leaves 52 %;
 * deflate and zstd at their lowest cost 35 to 45 us (mostly their set-up) and leave 46 %, PostgreSQL's own pglz costs
 * 17 us of the server and leaves 68 %, and lz4 is not built into every server.
 */
function options(size: number): zlib.BrotliOptions {
  const { BROTLI_PARAM_QUALITY, BROTLI_PARAM_LGWIN, BROTLI_PARAM_SIZE_HINT } = zlib.constants;
  const windowBits = size <= 4_096 ? 12 : size <= maxInline ? 16 : 20;
  return {
    chunkSize: Math.max(2_048, Math.min(size, maxInline)),
    params: {
      [BROTLI_PARAM_QUALITY]: size <= maxInline ? 0 : 1,
      [BROTLI_PARAM_LGWIN]: windowBits,
      [BROTLI_PARAM_SIZE_HINT]: size,
    },
  };
}

const compress = promisify<Uint8Array, zlib.BrotliOptions, Buffer>(zlib.brotliCompress);
const decompress = promisify<Uint8Array, Buffer>(zlib.brotliDecompress);

/** A payload as it is stored, and its size before compression. */
export interface PackedPayload {
  readonly body: Buffer;
  readonly bytes: number;
}

/** Packs a payload. Gives a promise only for a large one, so that a batch of small ones costs no ticks. */
export function packPayload(payload: MessageInitShape<typeof PayloadSchema>): PackedPayload | Promise<PackedPayload> {
  const plain = toBinary(PayloadSchema, create(PayloadSchema, payload));
  const bytes = plain.length;
  const pack = (kind: number, content: Uint8Array): PackedPayload => ({ body: withCodec(kind, content), bytes });
  if (bytes < minCompressed) return pack(codec.plain, plain);
  if (bytes <= maxInline) return pack(codec.brotli, zlib.brotliCompressSync(plain, options(bytes)));
  return compress(plain, options(bytes)).then((content) => pack(codec.brotli, content));
}

/** Unpacks a stored payload. `bytes`: its size before compression, as the record says. */
export async function unpackPayload(body: Buffer, bytes: number): Promise<Payload> {
  return fromBinary(PayloadSchema, await unpack(body, bytes));
}

async function unpack(body: Buffer, bytes: number): Promise<Uint8Array> {
  const content = body.subarray(1);
  if (body[0] === codec.plain) return content;
  if (body[0] !== codec.brotli) throw new Error(`unknown codec ${body[0]} of a payload`);
  return bytes <= maxInline ? zlib.brotliDecompressSync(content) : decompress(content);
}

function withCodec(kind: number, content: Uint8Array): Buffer {
  const body = Buffer.allocUnsafe(content.length + 1);
  body[0] = kind;
  body.set(content, 1);
  return body;
}
