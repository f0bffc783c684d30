import type { BodySource } from "../domain/exchange.ts";

/**
 * A JSON document with a file in base64 between two texts, made while it is sent: its length is known before its first byte, and
 * the file is never held whole.
 *
 * @param read the bytes of the file; the first `length` of them are taken.
 */
export function base64Document(
  before: string,
  after: string,
  length: number,
  read: () => AsyncIterableIterator<Uint8Array>,
): BodySource {
  const start = Buffer.from(before);
  const end = Buffer.from(after);
  return { length: start.length + Math.ceil(length / 3) * 4 + end.length, open };

  async function* open(): AsyncGenerator<Uint8Array> {
    yield start;
    let left = length;
    let rest = Buffer.alloc(0);
    for await (const piece of read()) {
      const bytes = Buffer.concat([rest, piece.subarray(0, left)]);
      left -= Math.min(left, piece.length);
      // Three bytes are four letters: what is over waits for the next piece, or is filled up at the end.
      const whole = left === 0 ? bytes.length : bytes.length - (bytes.length % 3);
      yield Buffer.from(bytes.toString("base64", 0, whole), "latin1");
      rest = Buffer.from(bytes.subarray(whole));
      if (left === 0) break;
    }
    if (left > 0) throw new Error(`a file in a document lacks ${left} bytes`);
    yield end;
  }
}
