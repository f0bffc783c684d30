import { promisify } from "node:util";
import zlib from "node:zlib";
import { fromBinary } from "@bufbuild/protobuf";
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

/** Enough for most payloads at once; the default of 16 kB costs more to allocate than a small payload to unpack. */
const unpackOptions: zlib.BrotliOptions = { chunkSize: 4_096 };

const compress = promisify<Uint8Array, zlib.BrotliOptions, Buffer>(zlib.brotliCompress);
const decompress = promisify<Uint8Array, Buffer>(zlib.brotliDecompress);

/** The fields of a Payload; all of them are bytes or text. */
export type PayloadFields = Omit<Payload, "$typeName" | "$unknown">;

/** A payload as it is stored, and its size before compression. */
export interface PackedPayload {
  readonly body: Buffer;
  readonly bytes: number;
}

/** Packs a payload. Gives a promise only for a large one, so that a batch of small ones costs no ticks. */
export function packPayload(payload: PayloadFields): PackedPayload | Promise<PackedPayload> {
  const plain = serialize(payload);
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
  return bytes <= maxInline ? zlib.brotliDecompressSync(content, unpackOptions) : decompress(content);
}

function withCodec(kind: number, content: Uint8Array): Buffer {
  const body = Buffer.allocUnsafe(content.length + 1);
  body[0] = kind;
  body.set(content, 1);
  return body;
}

/**
 * Serializes as `toBinary` would, into a buffer of the right size: protobuf-es grows its own step by step, which costs
 * 10 us where this costs 1. A test holds the two against each other.
 */
export function serialize(payload: PayloadFields): Buffer {
  const fields: readonly (readonly [number, Uint8Array | string, number])[] = PayloadSchema.fields.map((field) => {
    const value = payload[field.localName as keyof PayloadFields];
    return [field.number, value, typeof value === "string" ? Buffer.byteLength(value) : value.length];
  });
  const size = fields.reduce((sum, [, , length]) => sum + (length === 0 ? 0 : 1 + varintBytes(length) + length), 0);
  const buffer = Buffer.allocUnsafe(size);
  let at = 0;
  for (const [number, value, length] of fields) {
    if (length === 0) continue;
    buffer[at++] = (number << 3) | lengthDelimited;
    for (let rest = length; ; rest >>>= 7) {
      buffer[at++] = rest > 0x7f ? (rest & 0x7f) | 0x80 : rest;
      if (rest <= 0x7f) break;
    }
    if (typeof value === "string") buffer.write(value, at);
    else buffer.set(value, at);
    at += length;
  }
  return buffer;
}

/** Wire type of strings and bytes. https://protobuf.dev/programming-guides/encoding/ */
const lengthDelimited = 2;

function varintBytes(value: number): number {
  let bytes = 1;
  for (let rest = value >>> 7; rest > 0; rest >>>= 7) bytes++;
  return bytes;
}
