/** Length that is reserved where a client names none: no vendor's default is longer. */
const defaultSeconds = 15;
/** Size that is reserved where a client names none or a word. */
const defaultPixels = 1_920 * 1_080;
const framesPerSecond = 24;
/** Vendors that count tokens of video count one for so many pixels of a frame (Volcengine: width x height x fps x seconds / 1024). */
const pixelsPerToken = 1_024;

/** The most that a video of this length and size may be charged for. */
export function videoBound(seconds: number | undefined, size: string | undefined): { ms: number; tokens: number } {
  const length = seconds ?? defaultSeconds;
  const [, width, height] = /^([0-9]{2,5})x([0-9]{2,5})$/.exec(size ?? "") ?? [];
  const pixels = width === undefined || height === undefined ? defaultPixels : Number(width) * Number(height);
  return { ms: length * 1_000, tokens: Math.ceil((pixels * framesPerSecond * length) / pixelsPerToken) };
}
