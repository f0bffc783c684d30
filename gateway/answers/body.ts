import type { ServerResponse } from "node:http";

/** The body of a response whose head was written, given as it comes. */
export interface Body {
  /**
   * False: the client is slow, and `onTaken` follows when the system has taken all that was written.
   *
   * @param more another write or the end follows in this turn of the loop, so a small piece waits for it to travel with.
   */
  write(data: Uint8Array, more?: boolean): boolean;
  /** The body ends. `trailers` go where it is sent in chunks, and nowhere else: names and values that a header may have. */
  end(last?: Uint8Array, trailers?: Readonly<Record<string, string>>): void;
}

/** Memory taken at a time for small pieces, in bytes. Of no other response, which a slow reader would keep from being freed. */
const blockBytes = 4 * 1024;
/** A larger piece is not put among others. */
const maxCopiedBytes = 1024;
/**
 * A larger piece is not copied. One that is goes as one write in place of three, and what waits for a slow reader keeps neither the message
 * that it came in nor three entries of the socket's queue.
 */
const maxFramedBytes = 16 * 1024;
/** Size in hexadecimal digits and two line ends: more than any piece needs. */
const frameBytes = 16;
/**
 * Bytes that may wait for the client's socket. Node would take 64 KiB before it says that this is enough, which was a third of what a stream
 * held that nobody reads.
 */
const maxWaitingBytes = 16 * 1024;
const lineEnd = Buffer.from("\r\n");
const lastChunk = Buffer.from("0\r\n\r\n");

function lastChunkWith(trailers: Readonly<Record<string, string>>): Buffer {
  const fields = Object.entries(trailers).map(([name, value]) => `${name}: ${value}\r\n`);
  return Buffer.from(`0\r\n${fields.join("")}\r\n`, "latin1");
}

/** A piece as a chunk, in memory of its own. */
function framed(data: Uint8Array): Buffer {
  const size = `${data.length.toString(16)}\r\n`;
  const chunk = Buffer.allocUnsafeSlow(size.length + data.length + lineEnd.length);
  chunk.write(size, "latin1");
  chunk.set(data, size.length);
  chunk.set(lineEnd, size.length + data.length);
  return chunk;
}

/**
 * Opens the body of a response. Where Node would send it in chunks, we frame these: Node makes four writes of each, which the socket then
 * has to gather. The small pieces of a turn become one buffer and one write, past Node's response, which gathers again what is one already.
 *
 * @param onTaken told when nothing waits any more, after a `write` that gave false.
 */
export function openBody(response: ServerResponse, onTaken: () => void): Body {
  /** True: the head has gone, or waits at the socket, where all that is behind it may be put. */
  let headSent = false;

  function put(bytes: Uint8Array, onWritten?: () => void): void {
    const { socket } = response;
    // Bytes that wait at the response itself wait for another answer of the connection, or for its socket.
    if (headSent && socket?.writable === true && response.writableLength === socket.writableLength) {
      socket.write(bytes, onWritten);
      return;
    }
    response.write(bytes, onWritten);
    headSent = true;
  }

  /** Writes bytes as they are; false where too many wait then. */
  function give(bytes: Uint8Array): boolean {
    const fits = response.writableLength + bytes.length <= maxWaitingBytes;
    put(bytes, fits ? undefined : onTaken);
    return fits;
  }

  if (!response.chunkedEncoding) {
    return {
      write(bytes) {
        const fits = response.writableLength + bytes.length <= maxWaitingBytes;
        response.write(bytes, fits ? undefined : onTaken);
        return fits;
      },
      end: (last) => void response.end(last),
    };
  }
  response.chunkedEncoding = false;
  let block = Buffer.alloc(0);
  /** Bytes of the block from here on to `used` were not written yet. */
  let waitsFrom = 0;
  let used = 0;

  /** Puts a small piece behind what waits; false where that had to make room, and too many wait then. */
  function frame(data: Uint8Array): boolean {
    let fits = true;
    if (block.length - used < data.length + frameBytes) {
      if (used > waitsFrom) fits = give(taken());
      block = Buffer.allocUnsafeSlow(blockBytes);
      waitsFrom = 0;
      used = 0;
    }
    used += block.write(`${data.length.toString(16)}\r\n`, used, "latin1");
    block.set(data, used);
    used += data.length;
    block[used] = 0x0d;
    block[used + 1] = 0x0a;
    used += 2;
    return fits;
  }

  /** Takes the bytes that wait, which then wait no more. */
  function taken(): Buffer {
    const bytes = block.subarray(waitsFrom, used);
    waitsFrom = used;
    return bytes;
  }

  function write(data: Uint8Array, more = false): boolean {
    if (data.length > maxCopiedBytes) {
      if (used > waitsFrom) put(taken());
      if (data.length <= maxFramedBytes) return give(framed(data));
      response.write(`${data.length.toString(16)}\r\n`, "latin1");
      headSent = true;
      response.write(data);
      return give(lineEnd);
    }
    // A chunk of no bytes would be the end.
    const fits = data.length === 0 || frame(data);
    if (used === waitsFrom || (more && fits)) return fits;
    return give(taken()) && fits;
  }

  return {
    write,
    end(last, trailers) {
      response.cork();
      if (last !== undefined) write(last);
      if (used > waitsFrom) put(taken());
      response.end(trailers === undefined ? lastChunk : lastChunkWith(trailers));
    },
  };
}
