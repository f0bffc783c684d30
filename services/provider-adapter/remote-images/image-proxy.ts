import { ThroughlineError } from "../../../shared/errors/error.ts";
import { addressKind } from "../wire/address.ts";
import { parseJson } from "../wire/json.ts";
import { createImageFetcher, type FetchedImage, type FetcherOptions, ImageRefused } from "./fetch-image.ts";
import { type Carried, findCarried } from "./find-images.ts";
import { pathText, splice } from "./splice.ts";

/** Puts the pictures of other hosts into requests. */
export interface ImageProxy {
  /**
   * The body with every image and document that has an address fetched and put in as data; the same bytes where there is
   * none. What is neither data nor fetched never passes. Throws invalid_value that names the path of what cannot be had, or
   * the signal's reason.
   */
  inline(body: Uint8Array, signal: AbortSignal): Promise<Uint8Array>;
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

/** Without any of these a body has no address, so most requests are not parsed for it. An escape may spell any of them. */
const traces = ["url", '"source"', '"file_data"', '"input_audio"', '"input_reference"', "\\u"].map((trace) =>
  Buffer.from(trace),
);

/** Creates the proxy. */
export function createImageProxy(options: ImageProxyOptions): ImageProxy {
  const fetcher = createImageFetcher(options);

  async function inline(body: Uint8Array, signal: AbortSignal): Promise<Uint8Array> {
    const bytes = Buffer.from(body.buffer, body.byteOffset, body.byteLength);
    if (!traces.some((trace) => bytes.includes(trace))) return body;
    const images = findCarried(parseJson(bytes.toString())).filter(isRemote);
    if (images.length === 0) return body;
    const tooMany = images[maxImages];
    if (tooMany !== undefined) throw refusal(tooMany, `only ${maxImages} images of one request are fetched`);
    const fetched = await fetchAll(images, signal);
    const replacements = images.flatMap((image) => {
      const found = fetched.get(keyOf(image));
      return found === undefined
        ? []
        : [{ path: image.place, text: image.write(found.mediaType, found.bytes.toString("base64")) }];
    });
    return splice(body, replacements);
  }

  /** Each address once, a few at a time; the first that fails ends all. */
  async function fetchAll(images: readonly Carried[], signal: AbortSignal): Promise<Map<string, FetchedImage>> {
    const first = new Map(images.toReversed().map((image) => [keyOf(image), image]));
    const queue = images.filter((image) => first.get(keyOf(image)) === image);
    const fetched = new Map<string, FetchedImage>();
    const stop = new AbortController();
    const linked = AbortSignal.any([signal, stop.signal]);
    let total = 0;
    async function work(): Promise<void> {
      for (let image = queue.shift(); image !== undefined; image = queue.shift()) {
        const found = await fetchOne(image, linked);
        fetched.set(keyOf(image), found);
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

  async function fetchOne(image: Carried, signal: AbortSignal): Promise<FetchedImage> {
    try {
      return await fetcher.fetch(image.text, image.medium === "document" ? "document" : "image", signal);
    } catch (error) {
      throw error instanceof ImageRefused ? refusal(image, error.message) : error;
    }
  }

  return { inline, close: () => fetcher.close() };
}

/** True: it must be fetched; false: it is data. Throws invalid_value where it may neither be fetched nor passed on. */
function isRemote(carried: Carried): boolean {
  const kind = addressKind(carried.text, carried.orBase64);
  if (kind === "data") return false;
  const param = pathText(carried.at);
  if (carried.medium === "nothing") {
    throw new ThroughlineError("invalid_value", `${param} must be data: nothing is fetched for it.`, { param });
  }
  if (kind === "remote") return true;
  throw new ThroughlineError("invalid_value", `${param} must be a data URL, or a plain http or https address.`, {
    param,
  });
}

/** What is fetched once for all places that name it. */
function keyOf({ medium, text }: Carried): string {
  return `${medium} ${text}`;
}

function refusal({ at }: Carried, why: string): ThroughlineError {
  const param = pathText(at);
  return new ThroughlineError("invalid_value", `${param} could not be fetched: ${why}.`, { param });
}
