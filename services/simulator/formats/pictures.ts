import type { Exchange } from "../exchange.ts";
import { countOf, type Json, stringOf } from "../json.ts";

/** A PNG of one transparent pixel; what more is asked for follows its end, which readers pass over. */
const pixel = Buffer.from(
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg==",
  "base64",
);
const usualBytes = 2_000;
/** Size of a picture of `sim-large`. */
const mostBytes = 262_144_000;
const picturePath = /^\/sim\/images\/(\d{1,9})\/([^/]{0,200})\.png$/;

/** A picture that is made for a request: its bytes follow from what was asked, so the same request gets the same ones. */
export interface Picture {
  readonly base64: string;
  /** Where the simulator itself serves it. */
  readonly url: string;
}

/** The pictures of a request. */
export function picturesOf({ behaviour, request }: Exchange, prompt: string, n: number): Picture[] {
  const bytes = Math.max(usualBytes, behaviour.largeKb * 1_000);
  const count = behaviour.empty === "content" ? 0 : n;
  return Array.from({ length: count }, (_, place) => {
    // The cut may go through a pair of surrogates, and half of one stands in no address.
    const name = `${prompt.slice(0, 20).toWellFormed()} ${place + 1}`;
    return {
      base64: pictureBytes(name, bytes).toString("base64"),
      url: `http://${request.headers.host ?? "simulator.invalid"}/sim/images/${bytes}/${encodeURIComponent(name)}.png`,
    };
  });
}

/** The picture at a path of the simulator; undefined: there is none. */
export function pictureAt(path: string): Buffer | undefined {
  const [, bytes, name] = picturePath.exec(path) ?? [];
  return name === undefined ? undefined : pictureBytes(decoded(name), Math.min(Number(bytes), mostBytes));
}

function pictureBytes(name: string, bytes: number): Buffer {
  return Buffer.concat([pixel, Buffer.alloc(bytes, name)]);
}

function decoded(name: string): string {
  try {
    return decodeURIComponent(name);
  } catch {
    return name;
  }
}

/** Tokens of an image by quality, as gpt-image-1 counts 1024x1024. */
const tokensOf: Readonly<Record<string, number>> = { low: 272, medium: 1_056, high: 4_160 };
/** Tokens of an image that is given, as gpt-image-1 counts a small one. */
const givenTokens = 323;

/** The quality in which a request is served. */
export function qualityOf(quality: unknown): string {
  const asked = stringOf(quality);
  return tokensOf[asked] === undefined ? "high" : asked;
}

/** The size in which a request is served. */
export function sizeOf(size: unknown): string {
  const asked = stringOf(size);
  return asked === "" || asked === "auto" ? "1024x1024" : asked;
}

/** What a request took, in OpenAI's words; empty where it is to be withheld. */
export function usageOf(
  { behaviour }: Exchange,
  asked: { readonly prompt: string; readonly quality: string; readonly n: number; readonly given: number },
): Json {
  if (!behaviour.usage) return {};
  const text = Math.ceil(asked.prompt.length / 4);
  const image = asked.given * givenTokens;
  const output = asked.n * (tokensOf[asked.quality] ?? 0);
  const cached = Math.floor(((text + image) * behaviour.cachedPercent) / 100);
  return {
    usage: {
      input_tokens: text + image,
      output_tokens: output,
      total_tokens: text + image + output,
      input_tokens_details: {
        text_tokens: text,
        image_tokens: image,
        ...(cached === 0 ? {} : { cached_tokens: cached }),
      },
      ...(behaviour.details ? { output_tokens_details: { image_tokens: output, text_tokens: 0 } } : {}),
    },
  };
}

/** How many images are asked for. */
export function numberOf(n: unknown): number {
  return countOf(n) || 1;
}
