import { isUtf8 } from "node:buffer";

/** The parts of a usual chunk around its text, and around its padding where it has one. */
export interface UsualParts {
  readonly head: string;
  /** The head as the client gets it, at the beginning of an event. */
  readonly headForClient: string;
  /** Between text and padding. Empty: there is no padding. */
  readonly middle: string;
  readonly tail: string;
}

const quote = 0x22;
const backslash = 0x5c;
const unicodeEscape = 0x75;
const firstPrintable = 0x20;
const firstBeyondAscii = 0x80;
/** What may follow a backslash, beside `u` and four digits. */
const escaped: ReadonlySet<number> = new Set(Buffer.from('"\\/bfnrt'));
/** A longer text is looked at as usual, as UsualChunk does. */
const maxLength = 1024;
/** Events that are read at once; more of them are looked at as usual. */
const maxEvents = 64;

/**
 * Usual chunks in the bytes of a stream: what stands around their text is compared, the text is checked byte by byte, and what the client
 * gets is put together of bytes. No text is decoded but the one that history keeps, and no line is looked for.
 */
export class UsualBytes {
  /** Events of the piece that was read last. */
  count = 0;
  /** Their texts, as they stand in JSON. */
  text = "";
  /** Bytes of them as the client gets them. */
  length = 0;
  /** All that is compared with and written, in one buffer: the head of an event, its middle, its end, and its head for the client. */
  readonly #parts: Buffer;
  readonly #headLength: number;
  readonly #middleAt: number;
  readonly #endAt: number;
  readonly #clientAt: number;
  #piece: Buffer | undefined = undefined;
  /** Where the texts of the piece begin, and where the events end. */
  readonly #spans: number[] = [];
  #isAscii = true;

  constructor({ head, headForClient, middle, tail }: UsualParts) {
    const all = [`data: ${head}`, middle, `${tail}\n\n`, headForClient];
    this.#parts = Buffer.allocUnsafeSlow(all.reduce((sum, part) => sum + Buffer.byteLength(part), 0));
    const [headEnd = 0, middleEnd = 0, endEnd = 0] = this.#fill(all);
    this.#headLength = headEnd;
    this.#middleAt = headEnd;
    this.#endAt = middleEnd;
    this.#clientAt = endEnd;
  }

  /** Reads a piece of a stream that begins with an event. False: it is not usual chunks alone. */
  read(piece: Buffer): boolean {
    this.count = 0;
    this.text = "";
    this.length = 0;
    this.#isAscii = true;
    for (let at = 0; at < piece.length; ) {
      const end = this.count < maxEvents ? this.#readEvent(piece, at) : -1;
      if (end < 0) return false;
      at = end;
    }
    // Bytes that are not UTF-8 are left to the decoder, which replaces them before the client gets them.
    if (!this.#isAscii && !isUtf8(piece)) return false;
    this.#piece = piece;
    return this.count > 0;
  }

  /** Writes what was read for the client, which is `length` bytes. */
  write(into: Buffer): void {
    const piece = this.#piece;
    this.#piece = undefined;
    if (piece === undefined) return;
    let at = 0;
    for (let index = 0; index < this.count; index += 1) {
      at += this.#parts.copy(into, at, this.#clientAt);
      at += piece.copy(into, at, this.#spans[2 * index], this.#spans[2 * index + 1]);
    }
  }

  /** Where the event that begins at `from` has ended; -1: it is no usual chunk. */
  #readEvent(piece: Buffer, from: number): number {
    const start = from + this.#headLength;
    if (!this.#stands(piece, from, 0, this.#headLength)) return -1;
    const textEnd = this.#stringEnd(piece, start);
    if (textEnd < 0) return -1;
    let last = textEnd;
    if (this.#endAt > this.#middleAt) {
      if (!this.#stands(piece, textEnd, this.#middleAt, this.#endAt)) return -1;
      last = this.#stringEnd(piece, textEnd + this.#endAt - this.#middleAt);
    }
    if (last < 0 || !this.#stands(piece, last, this.#endAt, this.#clientAt)) return -1;
    const end = last + this.#clientAt - this.#endAt;
    this.#spans[2 * this.count] = start;
    this.#spans[2 * this.count + 1] = end;
    this.count += 1;
    this.text += piece.toString(this.#isAscii ? "latin1" : "utf8", start, textEnd);
    this.length += this.#parts.length - this.#clientAt + end - start;
    return end;
  }

  /** Whether a part stands at a place of the piece. */
  #stands(piece: Buffer, at: number, from: number, to: number): boolean {
    const end = at + to - from;
    return end <= piece.length && piece.compare(this.#parts, from, to, at, end) === 0;
  }

  /** Where the JSON text that begins at `from`, behind its quote, ends; -1: it is none, or too long. */
  #stringEnd(piece: Buffer, from: number): number {
    const last = Math.min(piece.length, from + maxLength + 1);
    for (let at = from; at < last; at += 1) {
      const byte = piece[at] ?? 0;
      if (byte === quote) return at;
      if (byte < firstPrintable) return -1;
      if (byte >= firstBeyondAscii) this.#isAscii = false;
      if (byte !== backslash) continue;
      at += 1;
      const next = piece[at] ?? 0;
      if (next === unicodeEscape) {
        for (let digit = 0; digit < 4; digit += 1) {
          at += 1;
          if (!isHexDigit(piece[at] ?? 0)) return -1;
        }
      } else if (!escaped.has(next)) return -1;
    }
    return -1;
  }

  /** Writes the parts one behind the other; where each of them ends. */
  #fill(all: readonly string[]): number[] {
    let at = 0;
    return all.map((part) => {
      at += this.#parts.write(part, at);
      return at;
    });
  }
}

function isHexDigit(byte: number): boolean {
  return (byte >= 0x30 && byte <= 0x39) || (byte >= 0x41 && byte <= 0x46) || (byte >= 0x61 && byte <= 0x66);
}
