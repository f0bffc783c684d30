import { ThroughlineError } from "../../../shared/errors/error.ts";
import { parseJson } from "../domain/json.ts";
import { createImageFetcher, type FetchedImage, type FetcherOptions, ImageRefused } from "./fetch-image.ts";
import { findRemoteImages, type RemoteImage } from "./find-images.ts";
import { pathText, splice } from "./splice.ts";

/** Puts the pictures of other hosts into requests. */
export interface ImageProxy {
  /**
   * The body with every remote image fetched and put in as data; the same bytes where there is none. Throws invalid_value
   * that names the image's path when one cannot be had, or the signal's reason.
   */
  inline(body: Uint8Array, dialect: string, signal: AbortSignal): Promise<Uint8Array>;
  close(): Promise<void>;
}

/** Options of `createImageProxy`. */
export interface ImageProxyOptions extends FetcherOptions {
  /** Largest sum of the pictures of one request, bytes. */
  readonly maxTotalBytes: number;
}

/** Most pictures that are fetched for one request. */
const maxImages = 50;
/** Pictures of one request that are fetched at once. */
const atOnce = 6;

/** Creates the proxy. */
export function createImageProxy(options: ImageProxyOptions): ImageProxy {
  const fetcher = createImageFetcher(options);

  async function inline(body: Uint8Array, dialect: string, signal: AbortSignal): Promise<Uint8Array> {
    const bytes = Buffer.from(body.buffer, body.byteOffset, body.byteLength);
    // Most requests have no image: they are not parsed for it.
    if (!bytes.includes("image")) return body;
    const images = findRemoteImages(dialect, parseJson(bytes.toString()));
    if (images.length === 0) return body;
    const tooMany = images[maxImages];
    if (tooMany !== undefined) throw refusal(tooMany, `only ${maxImages} images of one request are fetched`);
    const fetched = await fetchAll(images, signal);
    const replacements = images.flatMap((image) => {
      const found = fetched.get(image.url);
      return found === undefined
        ? []
        : [{ path: image.place, text: image.write(found.mediaType, found.bytes.toString("base64")) }];
    });
    return splice(body, replacements);
  }

  /** Each address once, a few at a time; the first that fails ends all. */
  async function fetchAll(images: readonly RemoteImage[], signal: AbortSignal): Promise<Map<string, FetchedImage>> {
    const first = new Map(images.toReversed().map((image) => [image.url, image]));
    const queue = images.filter((image) => first.get(image.url) === image);
    const fetched = new Map<string, FetchedImage>();
    const stop = new AbortController();
    const linked = AbortSignal.any([signal, stop.signal]);
    let total = 0;
    async function work(): Promise<void> {
      for (let image = queue.shift(); image !== undefined; image = queue.shift()) {
        const found = await fetchOne(image, linked);
        fetched.set(image.url, found);
        total += found.bytes.length;
        if (total > options.maxTotalBytes) {
          throw refusal(image, `the images of the request are together larger than ${options.maxTotalBytes} bytes`);
        }
      }
    }
    try {
      await Promise.all(Array.from({ length: Math.min(atOnce, queue.length) }, work));
    } finally {
      stop.abort();
    }
    return fetched;
  }

  async function fetchOne(image: RemoteImage, signal: AbortSignal): Promise<FetchedImage> {
    try {
      return await fetcher.fetch(image.url, signal);
    } catch (error) {
      throw error instanceof ImageRefused ? refusal(image, error.message) : error;
    }
  }

  return { inline, close: () => fetcher.close() };
}

function refusal({ at }: RemoteImage, why: string): ThroughlineError {
  const param = pathText(at);
  return new ThroughlineError("invalid_value", `${param} could not be fetched: ${why}.`, { param });
}
