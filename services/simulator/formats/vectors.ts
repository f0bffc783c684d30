import type { Exchange } from "../exchange.ts";

/** A text, or tokens as numbers. */
export type VectorInput = string | readonly number[];

/** Dimensions where the request names none. */
const usualDimensions = 256;
const maxDimensions = 4_096;

/** Length of the vectors that are asked for. */
export function dimensionsOf(asked: number | undefined): number {
  return Math.min(asked || usualDimensions, maxDimensions);
}

/** Tokens of the inputs, by the simulator's count. */
export function tokensOf(inputs: readonly VectorInput[]): number {
  return inputs.reduce(
    (sum, input) => sum + (typeof input === "string" ? Math.ceil(input.length / 4) : input.length),
    0,
  );
}

/** One vector of an answer, with the place that it says it has. */
export interface PlacedVector {
  readonly index: number;
  readonly vector: readonly number[];
}

/** The vectors of inputs, misbehaving as the model says. */
export function vectorsOf(
  { behaviour }: Exchange,
  inputs: readonly VectorInput[],
  dimensions: number,
): readonly PlacedVector[] {
  const count = behaviour.vectors === "wrong_count" ? inputs.length - 1 : inputs.length;
  return inputs.slice(0, count).map((input, place) => {
    const isShort = behaviour.vectors === "ragged" && place > 0 && place === count - 1;
    const vector = vectorOf(typeof input === "string" ? input : input.join(), isShort ? dimensions - 1 : dimensions);
    if (behaviour.nan) vector[dimensions >> 1] = Number.NaN;
    return { index: behaviour.vectors === "bad_index" ? 0 : place, vector };
  });
}

/** A unit vector that depends on the text alone. */
function vectorOf(text: string, dimensions: number): number[] {
  let seed = 0x811c9dc5;
  for (let index = 0; index < text.length; index += 1) seed = Math.imul(seed ^ text.charCodeAt(index), 0x01000193);
  const raw = Array.from({ length: dimensions }, () => {
    seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0;
    return seed / 2 ** 31 - 1;
  });
  const norm = Math.sqrt(raw.reduce((sum, value) => sum + value * value, 0)) || 1;
  // float32, so that base64 and JSON say the same number.
  return raw.map((value) => Math.fround(value / norm));
}

/** Little-endian float32 in base64. */
export function packed(vector: readonly number[]): string {
  const bytes = Buffer.alloc(vector.length * 4);
  for (const [index, value] of vector.entries()) bytes.writeFloatLE(value, index * 4);
  return bytes.toString("base64");
}
