import { ThroughlineError } from "../../../shared/errors/error.ts";
import type { ProviderContext } from "../context.ts";
import type { FetchedMedia } from "../domain/exchange.ts";
import { type FetchedImage, ImageRefused } from "../remote-images/fetch-image.ts";

/** Images of one answer that are fetched at once. */
const atOnce = 4;

/**
 * Fetches the images that an answer names, through the guard that also stands before the addresses of clients: whatever an
 * upstream names, nothing inside the network is reached. Throws upstream_error where one cannot be had, or where they are
 * together larger than an answer may be.
 */
export async function fetchMedia(
  { answerImages, config }: Pick<ProviderContext, "answerImages" | "config">,
  addresses: readonly string[],
  signal: AbortSignal,
): Promise<FetchedMedia> {
  const fetched = new Map<string, FetchedImage>();
  const queue = [...new Set(addresses)];
  const stop = new AbortController();
  const linked = AbortSignal.any([signal, stop.signal]);
  let bytes = 0;
  async function work(): Promise<void> {
    for (let address = queue.shift(); address !== undefined; address = queue.shift()) {
      const image = await answerImages.fetch(address, "image", linked);
      fetched.set(address, image);
      bytes += image.bytes.length;
      if (bytes > config.maxBodyBytes)
        throw new ImageRefused(`all of them are larger than ${config.maxBodyBytes} bytes`);
    }
  }
  try {
    await Promise.all(Array.from({ length: Math.min(atOnce, queue.length) }, work));
  } catch (thrown) {
    const why = thrown instanceof ImageRefused ? thrown.message : "the request was given up";
    throw new ThroughlineError("upstream_error", `The upstream made the image, but it could not be fetched: ${why}.`, {
      cause: thrown,
    });
  } finally {
    stop.abort();
  }
  return fetched;
}
