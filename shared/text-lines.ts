/** A line of a text. */
export interface TextLine {
  /** From 1 on. */
  readonly number: number;
  /** Without its end. */
  readonly bytes: Buffer;
}

const newLine = 0x0a;
const byteOrderMark = [0xef, 0xbb, 0xbf];

/**
 * The lines of a text that comes in pieces. Lines of blanks alone are left out. A line longer than `maxBytes` is given to
 * `tooLong`, which throws; only a line and a piece are in memory.
 */
export async function* textLines(
  pieces: AsyncIterable<Uint8Array>,
  maxBytes: number,
  tooLong: (number: number) => Error,
): AsyncGenerator<TextLine> {
  let parts: Buffer[] = [];
  let held = 0;
  let number = 1;
  for await (const piece of pieces) {
    let from = 0;
    for (let end = piece.indexOf(newLine, from); end >= 0; end = piece.indexOf(newLine, from)) {
      parts.push(bufferOf(piece, from, end));
      const line = whole(parts, number);
      if (line.length > maxBytes) throw tooLong(number);
      if (!isBlank(line)) yield { number, bytes: line };
      number += 1;
      [parts, held, from] = [[], 0, end + 1];
    }
    if (from === piece.length) continue;
    // The rest of a piece is copied, because a few bytes would otherwise keep the whole piece in memory.
    parts.push(Buffer.from(bufferOf(piece, from, piece.length)));
    held += piece.length - from;
    if (held > maxBytes) throw tooLong(number);
  }
  const last = whole(parts, number);
  if (!isBlank(last)) yield { number, bytes: last };
}

function bufferOf(piece: Uint8Array, from: number, to: number): Buffer {
  return Buffer.from(piece.buffer, piece.byteOffset + from, to - from);
}

function whole(parts: readonly Buffer[], number: number): Buffer {
  const line = parts.length === 1 && parts[0] !== undefined ? parts[0] : Buffer.concat(parts);
  const isMarked = number === 1 && byteOrderMark.every((byte, i) => line[i] === byte);
  return isMarked ? line.subarray(3) : line;
}

function isBlank(line: Buffer): boolean {
  for (const byte of line) if (byte !== 0x20 && byte !== 0x09 && byte !== 0x0d) return false;
  return true;
}
