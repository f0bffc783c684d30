import type { Message } from "@bufbuild/protobuf";
import { BinaryReader, type WireType } from "@bufbuild/protobuf/wire";

const lastWireType = 5;

/** What decoding of a text that is no UTF-8 leaves in its place. */
const replacement = "\ufffd";

/** Where halves of 64 bits are put together. */
const long = new DataView(new ArrayBuffer(8));

const strictUtf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/**
 * Reads messages as protobuf-es does: the wire type of a field that is known is not looked at, and a field may end behind the
 * message that holds it, but nothing ends behind the bytes. A test holds the two against each other.
 */
export class Reader {
  /** Where the next byte stands. */
  pos = 0;
  readonly #bytes: Buffer;
  #wireType = 0;
  /** A view of the same bytes; it is made when it is first needed. */
  #view: DataView | undefined = undefined;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  /** The number of the field that follows. */
  field(): number {
    const start = this.pos;
    const tag = this.uint32();
    const length = this.pos - start;
    if (length >= 5 && (length > 5 || (this.#bytes[this.pos - 1] as number) > 0x0f))
      throw new RangeError("a tag is too long");
    this.#wireType = tag & 7;
    if (tag < 8 || this.#wireType > lastWireType) throw new RangeError(`there is no tag ${tag}`);
    return tag >>> 3;
  }

  /** Where a message ends whose length follows. */
  end(): number {
    const length = this.uint32();
    if (length > this.#bytes.length - this.pos) throw cutShort();
    return this.pos + length;
  }

  uint32(): number {
    let byte = this.#byte();
    if (byte < 0x80) return byte;
    let value = byte & 0x7f;
    for (let shift = 7; shift < 35; shift += 7) {
      byte = this.#byte();
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return value >>> 0;
    }
    // Bits above the 32nd count for nothing.
    for (let more = 0; more < 5; more += 1) if (this.#byte() < 0x80) return value >>> 0;
    throw new RangeError("a number is too long");
  }

  int32(): number {
    return this.uint32() | 0;
  }

  uint64(): bigint {
    const byte = this.#bytes[this.pos];
    if (byte !== undefined && byte < 0x80) {
      this.pos += 1;
      return BigInt(byte);
    }
    this.#varint64();
    return long.getBigUint64(0, true);
  }

  int64(): bigint {
    const byte = this.#bytes[this.pos];
    if (byte !== undefined && byte < 0x80) {
      this.pos += 1;
      return BigInt(byte);
    }
    this.#varint64();
    return long.getBigInt64(0, true);
  }

  fixed64(): bigint {
    const bytes = this.#bytes;
    const { pos } = this;
    if (bytes.length - pos < 8) throw cutShort();
    for (let index = 0; index < 8; index += 1) long.setUint8(index, bytes[pos + index] as number);
    this.pos = pos + 8;
    return long.getBigUint64(0, true);
  }

  bool(): boolean {
    return this.uint64() !== 0n;
  }

  /** Throws a TypeError where it is no UTF-8. */
  text(): string {
    const end = this.end();
    const start = this.pos;
    this.pos = end;
    const text = this.#bytes.toString("utf8", start, end);
    return text.includes(replacement) ? strictUtf8.decode(this.#bytes.subarray(start, end)) : text;
  }

  /** A view of what is read. No Buffer: what travels within a process is none either. */
  bytes(): Uint8Array {
    const end = this.end();
    const start = this.pos;
    this.pos = end;
    const { buffer, byteOffset } = this.#bytes;
    return new Uint8Array(buffer, byteOffset + start, end - start);
  }

  /** An entry of a map of texts; a part that is not there is empty. */
  textEntry(texts: Record<string, string>): void {
    const end = this.end();
    let key = "";
    let value = "";
    while (this.pos < end) {
      const no = this.field();
      if (no === 1) key = this.text();
      else if (no === 2) value = this.text();
      else this.#skip(no);
    }
    // A plain assignment would change the object's prototype.
    if (key === "__proto__")
      Object.defineProperty(texts, key, { value, writable: true, enumerable: true, configurable: true });
    else texts[key] = value;
  }

  /** Keeps a field that this version does not know, as it is. */
  unknown(message: Message, no: number): void {
    const wireType = this.#wireType as WireType;
    const data = this.#skip(no);
    message.$unknown ??= [];
    message.$unknown.push({ no, wireType, data });
  }

  /** A number that the bytes from here to that place lead to; others may lead to it as well. */
  hashTo(end: number): number {
    const view = this.#viewOf();
    let hash = end - this.pos;
    let at = this.pos;
    for (; at + 4 <= end; at += 4) hash = Math.imul(hash ^ view.getInt32(at, true), 0x01000193) ^ (hash >>> 15);
    for (; at < end; at += 1) hash = Math.imul(hash ^ view.getUint8(at), 0x01000193);
    return hash ^ (hash >>> 16);
  }

  /** Whether those between the two places are these bytes. */
  standsAt(start: number, end: number, bytes: Buffer): boolean {
    return bytes.length === end - start && this.#bytes.compare(bytes, 0, bytes.length, start, end) === 0;
  }

  /** Those between the two places, by themselves. */
  copyOf(start: number, end: number): Buffer {
    return Buffer.from(this.#bytes.subarray(start, end));
  }

  #viewOf(): DataView {
    const { buffer, byteOffset, length } = this.#bytes;
    this.#view ??= new DataView(buffer, byteOffset, length);
    return this.#view;
  }

  #skip(no: number): Uint8Array {
    const reader = new BinaryReader(this.#bytes);
    reader.pos = this.pos;
    const data = reader.skip(this.#wireType as WireType, no);
    this.pos = reader.pos;
    return data;
  }

  #byte(): number {
    const byte = this.#bytes[this.pos];
    if (byte === undefined) throw cutShort();
    this.pos += 1;
    return byte;
  }

  /** Leaves the number in `long`. */
  #varint64(): void {
    let low = 0;
    let high = 0;
    for (let shift = 0; shift < 28; shift += 7) {
      const byte = this.#byte();
      low |= (byte & 0x7f) << shift;
      if (byte < 0x80) {
        setLong(low, 0);
        return;
      }
    }
    const middle = this.#byte();
    low |= (middle & 0x0f) << 28;
    high = (middle & 0x70) >> 4;
    if (middle < 0x80) {
      setLong(low, high);
      return;
    }
    for (let shift = 3; shift <= 31; shift += 7) {
      const byte = this.#byte();
      high |= (byte & 0x7f) << shift;
      if (byte < 0x80) {
        setLong(low, high);
        return;
      }
    }
    throw new RangeError("a number is too long");
  }
}

function setLong(low: number, high: number): void {
  long.setInt32(0, low, true);
  long.setInt32(4, high, true);
}

function cutShort(): RangeError {
  return new RangeError("a message is cut short");
}
