const wireVarint = 0;
const wireFixed64 = 1;
const wireBytes = 2;
const wireFixed32 = 5;

/** What a peer sent is not a lane's message. */
export class WireError extends Error {
  override readonly name = "WireError";
}

/** A place in a message that moves on as it is read. */
export class Reader {
  readonly buffer: Buffer;
  offset: number;
  readonly end: number;

  constructor(buffer: Buffer, offset: number, end: number) {
    this.buffer = buffer;
    this.offset = offset;
    this.end = end;
  }

  /** A varint of up to 64 bits; exact up to 2^53. */
  varint(): number {
    let value = 0;
    let scale = 1;
    for (let index = 0; index < 10; index += 1) {
      if (this.offset >= this.end) break;
      const byte = this.buffer[this.offset] as number;
      this.offset += 1;
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
      scale *= 0x80;
    }
    throw new WireError("a number is cut short");
  }

  /** The length that opens a field of bytes; it fits into what is left. */
  length(): number {
    const length = this.varint();
    if (length > this.end - this.offset) throw new WireError("a field is longer than its message");
    return length;
  }

  fixed64(): bigint {
    if (this.end - this.offset < 8) throw new WireError("a number is cut short");
    const value = this.buffer.readBigUInt64LE(this.offset);
    this.offset += 8;
    return value;
  }

  /** Skips a field that this version does not know. */
  skip(tag: number): void {
    const wireType = tag & 7;
    if (wireType === wireVarint) this.varint();
    else if (wireType === wireBytes) {
      const length = this.length();
      this.offset += length;
    } else if (wireType === wireFixed64) this.offset += 8;
    else if (wireType === wireFixed32) this.offset += 4;
    else throw new WireError(`a field has the wire type ${wireType}`);
    if (this.offset > this.end) throw new WireError("a field is cut short");
  }
}
