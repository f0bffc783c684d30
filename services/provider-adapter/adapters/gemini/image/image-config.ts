import type { Note } from "../../../modules/image/format.ts";
import { pixelsOf } from "../../../modules/image/request.ts";
import type { JsonObject } from "../../../wire/json.ts";
import type { Generation } from "../models.ts";

/** Shapes that its models make (wire/gemini.md section 2). */
const ratios: readonly (readonly [number, number])[] = [
  [1, 1],
  [2, 3],
  [3, 2],
  [3, 4],
  [4, 3],
  [4, 5],
  [5, 4],
  [9, 16],
  [16, 9],
  [21, 9],
];
/** Sizes by the longer side of a square image of as many pixels, the smaller ones first. */
const sizes: readonly (readonly [string, number])[] = [
  ["1K", 1_448],
  ["2K", 2_896],
  ["4K", Number.POSITIVE_INFINITY],
];

/**
 * The shape and size that come nearest to what was asked for in pixels; undefined: nothing was asked for. It is noted, for the
 * image has other pixels.
 */
export function imageConfigOf(size: string, { imageSizes }: Generation, note: Note): JsonObject | undefined {
  const pixels = pixelsOf(size);
  if (pixels === undefined) return undefined;
  const { width, height } = pixels;
  const away = ([across, up]: readonly [number, number]) => Math.abs(Math.log((width * up) / (height * across)));
  const [across, up] = ratios.reduce((best, ratio) => (away(ratio) < away(best) ? ratio : best));
  const aspectRatio = `${across}:${up}`;
  const side = Math.sqrt(width * height);
  const imageSize = imageSizes ? (sizes.find(([, most]) => side <= most)?.[0] ?? "4K") : undefined;
  note(`size ${size} became ${imageSize === undefined ? aspectRatio : `${aspectRatio} at ${imageSize}`}`);
  return { aspectRatio, ...(imageSize === undefined ? {} : { imageSize }) };
}
