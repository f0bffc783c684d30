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

/** The vector that stands in the place of a value. Throws upstream_error where there is none. */
export function vectorIn(answer: LiftedJson, value: unknown): Vector {
  const lifted = liftedIn(answer, value);
  if (lifted?.kind === "numbers") return { encoding: "float", text: lifted.bytes, dimensions: lifted.count };
  if (lifted !== undefined) return base64Vector(lifted.bytes);
  if (typeof value === "string" && value !== "") return base64Vector(Buffer.from(value, "latin1"));
  throw badVectors("one is missing, or holds something else than numbers");
}

/** A vector in base64, checked: whole numbers of float32, each of them finite. */
function base64Vector(given: Buffer): Vector {
  // "/" may be written as "\/" in JSON.
  const escaped = given.includes("\\");
  const said = given.toString("latin1");
  const text = escaped ? said.replaceAll("\\/", "/") : said;
  const floats = unpack(text);
  if (floats === undefined) throw badVectors("one is not base64 of float32");
  for (const value of floats) if (!Number.isFinite(value)) throw badVectors("one holds a number that is not finite");
  const isCanonical = !escaped && text.length % 4 === 0 && !/[-_]/.test(text);
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

/** Little-endian float32 of base64; undefined where it is none. */
export function unpack(base64: string): Float32Array | undefined {
  const digits = base64.endsWith("==") ? base64.length - 2 : base64.endsWith("=") ? base64.length - 1 : base64.length;
  const bytes = Buffer.from(base64, "base64");
  // What is no base64 is passed over by Node; then there are fewer bytes than digits say, or a digit is alone.
  const isWhole = digits % 4 !== 1 && bytes.length === Math.floor((digits * 3) / 4);
  if (!isWhole || bytes.length === 0 || bytes.length % floatBytes !== 0) return undefined;
  if (isBigEndian) bytes.swap32();
  // Small buffers share one, in which they may begin anywhere.
  const aligned = bytes.byteOffset % floatBytes === 0 ? bytes : Buffer.from(new Uint8Array(bytes).buffer);
  return new Float32Array(aligned.buffer, aligned.byteOffset, aligned.length / floatBytes);
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
