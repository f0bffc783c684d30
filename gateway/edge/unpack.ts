import { once } from "node:events";
import type { Duplex } from "node:stream";
import { createBrotliDecompress, createGunzip, createInflate, createInflateRaw, createZstdDecompress } from "node:zlib";
import { ThroughlineError } from "../../shared/errors/error.ts";
import type { Room } from "./capacity.ts";

/** What unpacks each coding of `Content-Encoding`. */
const unpackers: Readonly<Record<string, (packed: Buffer) => Duplex>> = {
  gzip: () => createGunzip(),
  "x-gzip": () => createGunzip(),
  // zlib's format by the standard, and the bare stream that some clients send under the same name.
  deflate: (packed) => (isZlib(packed) ? createInflate() : createInflateRaw()),
  br: () => createBrotliDecompress(),
  zstd: () => createZstdDecompress(),
};

/** As `Accept-Encoding` of a refusal tells them. */
const accepted = "gzip, deflate, br, zstd, identity";
/** No prompt packs better than this; what does is made to be large. */
const maxRatio = 250;
/** So much any body may have, however well it packs: the ratio of a small one says nothing. */
const freeBytes = 1024 * 1024;

/** The coding of a body, checked; undefined: it is not packed. Throws where it is none that is read. */
export function codingOf(header: string | undefined): string | undefined {
  const coding = (header ?? "").trim().toLowerCase();
  if (coding === "" || coding === "identity") return undefined;
  if (Object.hasOwn(unpackers, coding)) return coding;
  throw notAccepted(accepted);
}

/** 415 for a packed body; the header names what is read instead (RFC 9110, section 12.5.3). */
export function notAccepted(codings: string): ThroughlineError {
  const message = `The request body may be sent with these codings: ${codings}.`;
  const headers = { "accept-encoding": codings };
  return new ThroughlineError("invalid_value", message, { param: "Content-Encoding", httpStatus: 415, headers });
}

/**
 * Unpacks a body. What it unpacks to is taken from the room piece by piece and is the caller's to give back; where this
 * throws nothing of it is left there.
 *
 * @param maxBytes most bytes that it may unpack to.
 */
export async function unpack(packed: Buffer, coding: string, maxBytes: number, room: Room): Promise<Buffer> {
  const stream = unpackers[coding]?.(packed);
  if (stream === undefined) throw notAccepted(accepted);
  const most = Math.min(maxBytes, Math.max(freeBytes, packed.length * maxRatio));
  const pieces: Buffer[] = [];
  let bytes = 0;
  try {
    stream.end(packed);
    for await (const piece of stream as AsyncIterable<Buffer>) {
      if (bytes + piece.length > most) throw tooLarge(most);
      room.take(piece.length);
      bytes += piece.length;
      pieces.push(piece);
    }
    return Buffer.concat(pieces, bytes);
  } catch (cause) {
    room.give(bytes);
    if (cause instanceof ThroughlineError) throw cause;
    const message = `The request body cannot be unpacked as ${coding}.`;
    throw new ThroughlineError("invalid_value", message, { param: "Content-Encoding", cause });
  } finally {
    await closed(stream);
  }
}

async function closed(stream: Duplex): Promise<void> {
  if (stream.closed) return;
  stream.on("error", () => {});
  const end = once(stream, "close").catch(() => undefined);
  stream.destroy();
  await end;
}

function tooLarge(most: number): ThroughlineError {
  const message = `The request body unpacks to more than ${Math.floor(most / 1024)} kB.`;
  return new ThroughlineError("request_too_large", message);
}

/** Whether the beginning is that of zlib's format: its method, and a check that a bare stream passes by rare chance. */
function isZlib([first = 0, second = 0]: Uint8Array): boolean {
  return (first & 0x0f) === 8 && first >> 4 <= 7 && (first * 256 + second) % 31 === 0;
}
