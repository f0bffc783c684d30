import type { ThroughlineError } from "../../../../shared/errors/error.ts";
import type { UpstreamMessage } from "../../domain/exchange.ts";
import type { JsonObject } from "../../wire/json.ts";
import type { ImageRequest } from "./request.ts";

/** Says what was dropped or changed, for the record. */
export type Note = (text: string) => void;

/** A wire format of upstreams that make images. */
export interface ImageFormat {
  /** True: asked for a stream it sends OpenAI's events, at least with some models. False: its whole answer becomes events here. */
  readonly streams: boolean;
  /** Throws invalid_value with the path of what the vendor cannot do. */
  write(request: ImageRequest, upstreamModel: string, note: Note): UpstreamMessage;
  /**
   * Reads an answer that has no `error`. Throws the failure that it tells in other words; undefined: it is none. One without any
   * image is a failure too.
   */
  read(answer: JsonObject, request: ImageRequest): ImageAnswer | undefined;
  /** The failure of an error object inside an answer with status 200. */
  inBandError(error: JsonObject): ThroughlineError;
}

/** An image of an answer: data, or an address. */
export interface MadeImage {
  readonly base64?: string | undefined;
  readonly url?: string | undefined;
  /** What else was said of it, in OpenAI's words. */
  readonly rest: JsonObject;
}

/** What an upstream answers. */
export interface ImageAnswer {
  readonly images: readonly MadeImage[];
  /** What stands beside the images, in OpenAI's words. Absent: `created` and what is known from the other fields. */
  readonly head?: JsonObject | undefined;
  /** As it says, else as it was asked. "auto": nobody said, or it has no such choice. */
  readonly size: string;
  readonly quality: string;
  readonly counts: ImageCounts;
  /** The upstream's name of the request. Absent: none. */
  readonly id?: string | undefined;
}

/**
 * What an upstream counted, each count by itself. Absent: it did not say. Parts are within the whole: the image tokens of the
 * input are among its tokens, and what was cached of either as well.
 */
export interface ImageCounts {
  /** The whole input, in tokens. */
  readonly input?: number | undefined;
  readonly inputImage?: number | undefined;
  readonly cached?: number | undefined;
  /** How much of `cached` is images. Absent: text is thought to be cached first. */
  readonly cachedImage?: number | undefined;
  /** The whole output but the reasoning, in tokens. */
  readonly output?: number | undefined;
  /** How much of `output` is text. Absent: none, all of it is images. */
  readonly outputText?: number | undefined;
  readonly reasoning?: number | undefined;
  /** What it says that the answer cost. */
  readonly vendorNanoUsd?: number | undefined;
}
