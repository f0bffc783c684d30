import type { UnknownField } from "@bufbuild/protobuf";

/** Bytes of a buffer that nothing was written to yet. */
const firstBytes = 4 * 1024;

/** A larger message takes its buffer with it: copying it out would cost more than the next buffer. */
const copiedBytes = 64 * 1024;

/** Texts up to this length are copied letter by letter: a call into C++ costs more. */
const shortText = 32;

const keyTag = (1 << 3) | 2;
const valueTag = (2 << 3) | 2;

/**
 * Writes messages as protobuf does, from the last byte to the first: what stands in front of a field is its length, which is
 * known once the field is there. So nothing is measured beforehand, and nothing is moved afterwards. A value goes before its tag.
 */
export class Writer {
  #bytes = Buffer.allocUnsafeSlow(firstBytes);
  /** Where what was written begins. */
  #at = firstBytes;
  readonly #long = new DataView(new ArrayBuffer(8));

  /** Bytes that were written. */
  get size(): number {
    return this.#bytes.length - this.#at;
  }

  /** Forgets what was written. */
  clear(): void {
    this.#at = this.#bytes.length;
  }

  /** Gives what was written. The next thing that is written begins a new message. */
  finish(): Buffer {
    const written = this.#bytes.subarray(this.#at);
    if (written.length > copiedBytes) {
      this.#bytes = Buffer.allocUnsafeSlow(firstBytes);
      this.#at = firstBytes;
      return written;
    }
    this.clear();
    const copy = Buffer.allocUnsafe(written.length);
    copy.set(written);
    return copy;
  }

  /** Checks that a message is of the type whose fields are about to be written. */
  expect(given: string, wanted: string): void {
    if (given !== wanted) throw new TypeError(`a message ${given} cannot be written as ${wanted}`);
  }

  /** A tag: field number << 3 | wire type. */
  tag(tag: number): void {
    this.#varint(tag);
  }

  /** What was written since there were `size` bytes is a message, or bytes, in the field with this tag. */
  enclose(tag: number, size: number): void {
    this.#varint(this.size - size);
    this.#varint(tag);
  }

  uint32(value: number): void {
    if (value >>> 0 !== value) throw new RangeError(`${value} is no uint32`);
    this.#varint(value);
  }

  int32(value: number): void {
    if ((value | 0) !== value) throw new RangeError(`${value} is no int32`);
    if (value >= 0) this.#varint(value);
    else this.#varint64(value >>> 0, 0xffffffff);
  }

  uint64(value: bigint): void {
    if (BigInt.asUintN(64, value) !== value) throw new RangeError(`${value} is no uint64`);
    this.#varintOf(value);
  }

  int64(value: bigint): void {
    if (BigInt.asIntN(64, value) !== value) throw new RangeError(`${value} is no int64`);
    this.#varintOf(value);
  }

  fixed64(value: bigint): void {
    if (BigInt.asUintN(64, value) !== value) throw new RangeError(`${value} is no fixed64`);
    const long = this.#long;
    long.setBigUint64(0, value, true);
    const at = this.#room(8);
    for (let index = 0; index < 8; index += 1) this.#bytes[at + index] = long.getUint8(index);
  }

  bool(value: boolean): void {
    this.#varint(value ? 1 : 0);
  }

  /** Halves of surrogate pairs become U+FFFD. */
  text(value: string): void {
    if (typeof value !== "string") throw new TypeError(`${typeof value} is no text`);
    const { length } = value;
    if (length > shortText || !this.#ascii(value, length)) {
      const bytes = Buffer.byteLength(value);
      const at = this.#room(bytes);
      this.#bytes.write(value, at, bytes, "utf8");
      this.#varint(bytes);
    } else this.#varint(length);
  }

  bytes(value: Uint8Array): void {
    if (!(value instanceof Uint8Array)) throw new TypeError(`${typeof value} is no bytes`);
    const at = this.#room(value.byteLength);
    this.#bytes.set(value, at);
    this.#varint(value.byteLength);
  }

  /** Bytes as they are, without their length. */
  raw(value: Uint8Array): void {
    const at = this.#room(value.byteLength);
    this.#bytes.set(value, at);
  }

  /** A copy of what was written since there were `size` bytes. */
  since(size: number): Buffer {
    return Buffer.from(this.#bytes.subarray(this.#at, this.#bytes.length - size));
  }

  /** A map of texts, whose entries are messages with the fields 1 and 2. */
  texts(tag: number, texts: Readonly<Record<string, string>>): void {
    const keys = Object.keys(texts);
    for (let index = keys.length - 1; index >= 0; index -= 1) {
      const { size } = this;
      const key = keys[index] as string;
      this.text(texts[key] as string);
      this.#varint(valueTag);
      this.text(key);
      this.#varint(keyTag);
      this.enclose(tag, size);
    }
  }

  /** Fields that a newer peer sent, as they came. */
  unknown(fields: readonly UnknownField[]): void {
    for (let index = fields.length - 1; index >= 0; index -= 1) {
      const { no, wireType, data } = fields[index] as UnknownField;
      const at = this.#room(data.length);
      this.#bytes.set(data, at);
      this.#varint(((no << 3) | wireType) >>> 0);
    }
  }

  /** Writes letters of one byte each. False, and nothing written, where there are others. */
  #ascii(value: string, length: number): boolean {
    const at = this.#room(length);
    const bytes = this.#bytes;
    for (let index = 0; index < length; index += 1) {
      const code = value.charCodeAt(index);
      if (code > 0x7f) {
        this.#at += length;
        return false;
      }
      bytes[at + index] = code;
    }
    return true;
  }

  #varint(value: number): void {
    if (value < 0x80) {
      const at = this.#room(1);
      this.#bytes[at] = value;
      return;
    }
    let at = this.#room(value < 0x4000 ? 2 : value < 0x200000 ? 3 : value < 0x10000000 ? 4 : 5);
    const bytes = this.#bytes;
    let rest = value;
    for (; rest > 0x7f; rest >>>= 7) {
      bytes[at] = (rest & 0x7f) | 0x80;
      at += 1;
    }
    bytes[at] = rest;
  }

  #varintOf(value: bigint): void {
    const long = this.#long;
    long.setBigUint64(0, value, true);
    const low = long.getUint32(0, true);
    const high = long.getUint32(4, true);
    if (high === 0) this.#varint(low);
    else this.#varint64(low, high);
  }

  /** Writes a varint whose two halves have 32 bits each; the high one is not 0. */
  #varint64(low: number, high: number): void {
    const length = Math.ceil((64 - Math.clz32(high)) / 7);
    const at = this.#room(length);
    const bytes = this.#bytes;
    let restLow = low;
    let restHigh = high;
    for (let index = 0; index < length; index += 1) {
      bytes[at + index] = (restLow & 0x7f) | (index < length - 1 ? 0x80 : 0);
      restLow = (restLow >>> 7) | (restHigh << 25);
      restHigh >>>= 7;
    }
  }

  /** Makes room in front of what was written; gives where it begins. */
  #room(bytes: number): number {
    if (bytes > this.#at) this.#grow(bytes);
    this.#at -= bytes;
    return this.#at;
  }

  #grow(bytes: number): void {
    const { size } = this;
    const larger = Buffer.allocUnsafeSlow(size + bytes + Math.max(size, firstBytes));
    this.#bytes.copy(larger, larger.length - size, this.#at);
    this.#bytes = larger;
    this.#at = larger.length - size;
  }
}
