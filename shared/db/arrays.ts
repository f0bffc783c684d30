/**
 * Encoders for array parameters, e.g. of `unnest($1::bigint[], $2::bytea[])`. They write PostgreSQL's binary format
 * (array_send in src/backend/utils/adt/arrayfuncs.c), which the driver passes on as it is and the server reads without
 * parsing. The parameter must be cast to exactly the type the encoder names.
 */

type Nullable<T> = T | null | undefined;

/** Dimensions, a flag for NULLs, the element type, then per dimension its size and lower bound. */
const headerBytes = 20;
const nullLength = -1;

const oids = {
  bool: 16,
  bytea: 17,
  int8: 20,
  int4: 23,
  text: 25,
  float8: 701,
  timestamptz: 1184,
  jsonb: 3802,
} as const;

/** 2000-01-01T00:00:00Z, where PostgreSQL's timestamps begin, in Unix milliseconds. */
const postgresEpochMs = 946_684_800_000;

/** For `$n::bigint[]`. RangeError outside of 64 signed bits. */
export function bigintArray(values: readonly Nullable<bigint>[]): Buffer {
  return fixedSizeArray(oids.int8, 8, values, (buffer, value, at) => buffer.writeBigInt64BE(value, at));
}

/** For `$n::integer[]`. RangeError outside of 32 signed bits. */
export function integerArray(values: readonly Nullable<number>[]): Buffer {
  return fixedSizeArray(oids.int4, 4, values, (buffer, value, at) => buffer.writeInt32BE(value, at));
}

/** For `$n::double precision[]`. */
export function doubleArray(values: readonly Nullable<number>[]): Buffer {
  return fixedSizeArray(oids.float8, 8, values, (buffer, value, at) => buffer.writeDoubleBE(value, at));
}

/** For `$n::boolean[]`. */
export function booleanArray(values: readonly Nullable<boolean>[]): Buffer {
  return fixedSizeArray(oids.bool, 1, values, (buffer, value, at) => buffer.writeUInt8(value ? 1 : 0, at));
}

/** For `$n::timestamptz[]`; numbers are Unix milliseconds. RangeError for an invalid date. */
export function timestamptzArray(values: readonly Nullable<Date | number>[]): Buffer {
  return fixedSizeArray(oids.timestamptz, 8, values, (buffer, value, at) => {
    const unixMs = typeof value === "number" ? value : value.getTime();
    buffer.writeBigInt64BE(BigInt(Math.round((unixMs - postgresEpochMs) * 1000)), at);
  });
}

/** For `$n::text[]`. PostgreSQL takes no U+0000 in text. */
export function textArray(values: readonly Nullable<string>[]): Buffer {
  let size = headerBytes + 4 * values.length;
  for (const value of values) if (value != null) size += Buffer.byteLength(value);
  const buffer = Buffer.allocUnsafe(size);
  let at = writeHeader(buffer, oids.text, values);
  for (const value of values) {
    const length = value == null ? 0 : buffer.write(value, at + 4);
    buffer.writeInt32BE(value == null ? nullLength : length, at);
    at += 4 + length;
  }
  return trimEmpty(buffer, values.length);
}

/** For `$n::bytea[]`. The bytes are copied. */
export function byteaArray(values: readonly Nullable<Uint8Array>[]): Buffer {
  return variableSizeArray(oids.bytea, values, 0);
}

/** For `$n::jsonb[]`, from JSON texts. */
export function jsonbArray(values: readonly Nullable<string>[]): Buffer {
  const bytes = values.map((value) => (value == null ? null : Buffer.from(value)));
  return variableSizeArray(oids.jsonb, bytes, 1);
}

function fixedSizeArray<T>(
  oid: number,
  elementBytes: number,
  values: readonly Nullable<T>[],
  write: (buffer: Buffer, value: T, at: number) => void,
): Buffer {
  const buffer = Buffer.allocUnsafe(headerBytes + (4 + elementBytes) * values.length);
  let at = writeHeader(buffer, oid, values);
  for (const value of values) {
    if (value == null) {
      at = buffer.writeInt32BE(nullLength, at);
      continue;
    }
    at = buffer.writeInt32BE(elementBytes, at);
    write(buffer, value, at);
    at += elementBytes;
  }
  return trimEmpty(buffer.subarray(0, at), values.length);
}

/** `version` 1 puts a byte of that value before each element, as jsonb wants it; 0 puts none. */
function variableSizeArray(oid: number, values: readonly Nullable<Uint8Array>[], version: 0 | 1): Buffer {
  let size = headerBytes + 4 * values.length;
  for (const value of values) if (value != null) size += version + value.byteLength;
  const buffer = Buffer.allocUnsafe(size);
  let at = writeHeader(buffer, oid, values);
  for (const value of values) {
    if (value == null) {
      at = buffer.writeInt32BE(nullLength, at);
      continue;
    }
    at = buffer.writeInt32BE(version + value.byteLength, at);
    if (version === 1) at = buffer.writeUInt8(version, at);
    buffer.set(value, at);
    at += value.byteLength;
  }
  return trimEmpty(buffer, values.length);
}

function writeHeader(buffer: Buffer, oid: number, values: readonly unknown[]): number {
  let at = buffer.writeInt32BE(values.length === 0 ? 0 : 1, 0);
  at = buffer.writeInt32BE(values.some((value) => value == null) ? 1 : 0, at);
  at = buffer.writeInt32BE(oid, at);
  at = buffer.writeInt32BE(values.length, at);
  return buffer.writeInt32BE(1, at);
}

/** An empty array has no dimension at all, so its header ends after the element type. */
function trimEmpty(buffer: Buffer, length: number): Buffer {
  return length === 0 ? buffer.subarray(0, 12) : buffer;
}
