import { endianness } from "node:os";
import { ThroughlineError } from "../../../../shared/errors/error.ts";
import { type LiftedJson, liftedIn } from "../../wire/lift-values.ts";

const floatBytes = 4;
const isBigEndian = endianness() === "BE";

/** How vectors are written: lists of numbers, or little-endian float32 in base64. */
export type Encoding = "float" | "base64";

/** A vector as an upstream wrote it. */
export interface Vector {
  readonly encoding: Encoding;
  /** JSON text of it: a list of numbers, or base64 without its quotes. */
  readonly text: Buffer;
  readonly dimensions: number;
}

/** An answer whose vectors cannot be taken. Another candidate may do better. */
export function badVectors(what: string): ThroughlineError {
  return new ThroughlineError("upstream_error", `The upstream's vectors cannot be used: ${what}.`);
}

/** The vectors that stand in the places of values. Throws upstream_error where one is missing or cannot be used. */
export function vectorsIn(answer: LiftedJson, values: readonly unknown[]): readonly Vector[] {
  // One room for all of them: 2,048 vectors of 3,072 numbers would leave 25 MB behind each time.
  const room = createRoom();
  return values.map((value) => {
    const lifted = liftedIn(answer, value);
    if (lifted?.kind === "numbers") return { encoding: "float", text: lifted.bytes, dimensions: lifted.count };
    if (lifted !== undefined) return base64Vector(lifted.bytes, room);
    if (typeof value === "string" && value !== "") return base64Vector(Buffer.from(value, "latin1"), room);
    throw badVectors("one is missing, or holds something else than numbers");
  });
}

/** A vector in base64, checked: whole numbers of float32, each of them finite. */
function base64Vector(given: Buffer, room: Room): Vector {
  // "/" may be written as "\/" in JSON.
  const isEscaped = given.includes("\\");
  const said = given.toString("latin1");
  const text = isEscaped ? said.replaceAll("\\/", "/") : said;
  const floats = unpack(text, room);
  if (floats === undefined) throw badVectors("one is not base64 of float32");
  if (!floats.every(Number.isFinite)) throw badVectors("one holds a number that is not finite");
  const isCanonical = !isEscaped && text.length % 4 === 0 && !/[-_]/.test(text);
  return {
    encoding: "base64",
    text: isCanonical ? given : Buffer.from(pack(floats), "latin1"),
    dimensions: floats.length,
  };
}

/** The numbers of a vector. */
export function floatsOf({ encoding, text }: Vector): Float32Array {
  const numbers: unknown = encoding === "float" ? JSON.parse(text.toString("latin1")) : undefined;
  const floats = Array.isArray(numbers) ? Float32Array.from(numbers) : unpack(text.toString("latin1"));
  if (floats === undefined) throw badVectors("one is not base64 of float32");
  return floats;
}

/** Where bytes of base64 are put; it grows with the largest. */
interface Room {
  /** At least so many bytes, beginning where a float32 may. */
  ofBytes(bytes: number): Buffer;
}

function createRoom(): Room {
  let space = Buffer.alloc(0);
  return {
    ofBytes(bytes) {
      if (space.length < bytes) space = Buffer.from(new ArrayBuffer(bytes));
      return space;
    },
  };
}

/**
 * Little-endian float32 of base64; undefined where it is none.
 *
 * @param room where the numbers are put: they hold until it is used again. Absent: a room of their own.
 */
export function unpack(base64: string, room = createRoom()): Float32Array | undefined {
  const digits = base64.endsWith("==") ? base64.length - 2 : base64.endsWith("=") ? base64.length - 1 : base64.length;
  const expected = Math.floor((digits * 3) / 4);
  if (digits % 4 === 1 || expected === 0 || expected % floatBytes !== 0) return undefined;
  const space = room.ofBytes(expected);
  // Node passes over characters that are no base64, so there are fewer bytes than the digits say.
  if (space.write(base64, "base64") !== expected) return undefined;
  if (isBigEndian) space.subarray(0, expected).swap32();
  return new Float32Array(space.buffer, space.byteOffset, expected / floatBytes);
}

/** Base64 of little-endian float32. */
export function pack(floats: Float32Array): string {
  const bytes = Buffer.from(floats.buffer, floats.byteOffset, floats.byteLength);
  return (isBigEndian ? Buffer.from(bytes).swap32() : bytes).toString("base64");
}

/** The first numbers of a vector, made as long as 1: what models that are trained for it (Matryoshka) give when they are asked for fewer. */
export function shortened(floats: Float32Array, dimensions: number): Float32Array {
  const cut = floats.slice(0, dimensions);
  let squares = 0;
  for (const value of cut) squares += value * value;
  const length = Math.sqrt(squares);
  return length === 0 ? cut : cut.map((value) => value / length);
}

/** A vector of numbers in an encoding. */
export function vectorOf(floats: Float32Array, encoding: Encoding): Vector {
  const text = encoding === "base64" ? pack(floats) : JSON.stringify(Array.from(floats));
  return { encoding, text: Buffer.from(text, "latin1"), dimensions: floats.length };
}
