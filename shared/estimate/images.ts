/**
 * Output tokens of a million pixels by quality: gpt-image-1's 1024x1024 takes 272, 1,056 and 4,160; gpt-image-2's high takes 7,024
 * (OpenAI's image guide). What is not said may be the dearest that is usual.
 */
const tokensPerMegapixel: Readonly<Record<string, number>> = {
  low: 500,
  medium: 2_000,
  standard: 2_000,
  hd: 7_500,
  high: 7_500,
  xhigh: 15_000,
  max: 15_000,
};
const dearestUsual = 7_500;
/** An image of a size that is not said. */
const unknownMegapixels = 2.5;
/** What each partial image adds (OpenAI's image guide). */
const partialTokens = 100;

/** The most output tokens that one image may take. */
export function imageBound(size: string, quality: string, partials: number): number {
  const [width, height] = size.split("x").map(Number);
  const megapixels = width && height ? (width * height) / 1_000_000 : unknownMegapixels;
  const each = tokensPerMegapixel[quality] ?? dearestUsual;
  return Math.ceil(megapixels * each) + partials * partialTokens;
}

/**
 * The most tokens of one image that is given: gpt-image-1 takes up to 6,240 at high fidelity and some hundreds beside (OpenAI's
 * image guide), others take less.
 */
export const inputImageBound = 7_500;
