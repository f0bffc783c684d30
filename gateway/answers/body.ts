import type { ServerResponse } from "node:http";

/** The body of a response whose head was written, given as it comes. */
export interface Body {
  /** False: the client is slow, and `onTaken` follows when the system has taken all that was written. */
  write(data: Uint8Array): boolean;
  /** The body ends. `trailers` go where it is sent in chunks, and nowhere else: names and values that a header may have. */
  end(last?: Uint8Array, trailers?: Readonly<Record<string, string>>): void;
}

/** Memory taken at a time for small pieces, in bytes. Of no other response, which a slow reader would keep from being freed. */
const blockBytes = 4 * 1024;
/** A larger piece is not copied. */
const maxCopiedBytes = 1024;
/** Size in hexadecimal digits and two line ends: more than any piece needs. */
const frameBytes = 16;
/**
 * Bytes that may wait for the client's socket. Node would take 64 KiB before it says that this is enough, which was a third of what a stream
 * held that nobody reads.
 */
const maxWaitingBytes = 32 * 1024;
const lineEnd = Buffer.from("\r\n");
const lastChunk = Buffer.from("0\r\n\r\n");

function lastChunkWith(trailers: Readonly<Record<string, string>>): Buffer {
  const fields = Object.entries(trailers).map(([name, value]) => `${name}: ${value}\r\n`);
  return Buffer.from(`0\r\n${fields.join("")}\r\n`, "latin1");
}

/**
 * Opens the body of a response. Where Node would send it in chunks, we frame these: Node makes four writes of each, which the socket then
 * has to gather. A piece of a stream becomes one buffer and one write.
 *
 * @param onTaken told when nothing waits any more, after a `write` that gave false.
 */
export function openBody(response: ServerResponse, onTaken: () => void): Body {
  /** Writes bytes as they are; false where too many wait then. */
  function give(bytes: Uint8Array): boolean {
    if (response.writableLength + bytes.length <= maxWaitingBytes) {
      response.write(bytes);
      return true;
    }
    response.write(bytes, onTaken);
    return false;
  }

  if (!response.chunkedEncoding) return { write: give, end: (last) => void response.end(last) };
  response.chunkedEncoding = false;
  let block = Buffer.alloc(0);
  let used = 0;

  /** A small piece as a chunk. */
  function framed(data: Uint8Array): Buffer {
    if (block.length - used < data.length + frameBytes) {
      block = Buffer.allocUnsafeSlow(blockBytes);
      used = 0;
    }
    const start = used;
    used += block.write(`${data.length.toString(16)}\r\n`, used, "latin1");
    block.set(data, used);
    used += data.length;
    block[used] = 0x0d;
    block[used + 1] = 0x0a;
    used += 2;
    return block.subarray(start, used);
  }

  function write(data: Uint8Array): boolean {
    // A chunk of no bytes would be the end.
    if (data.length === 0) return true;
    if (data.length <= maxCopiedBytes) return give(framed(data));
    response.write(`${data.length.toString(16)}\r\n`, "latin1");
    response.write(data);
    return give(lineEnd);
  }

  return {
    write,
    end(last, trailers) {
      if (last !== undefined) write(last);
      response.end(trailers === undefined ? lastChunk : lastChunkWith(trailers));
    },
  };
}
