import type { Asked } from "../../domain/exchange.ts";
import { asObject, asString, type JsonObject, parseJson } from "../../wire/json.ts";

/** The neutral form of a request for a video, which is OpenAI's with the names that others share. */
export interface VideoRequest {
  readonly prompt: string;
  /** Undefined: the vendor decides. */
  readonly seconds: number | undefined;
  /** Pixels. Undefined: the vendor decides. */
  readonly size: VideoSize | undefined;
  /** In lower case, e.g. "720p", "4k": as its size has it, else as the client says. Empty: the vendor decides. */
  readonly resolution: string;
  /** E.g. "16:9": as its size has it, else as the client says. Empty: the vendor decides. */
  readonly ratio: string;
  /** Its first picture. */
  readonly image: VideoImage | undefined;
  /** Where the vendor may say that something happened to the job; empty: nowhere. */
  readonly callbackUrl: string;
  /** What the client sent beside it, by its own names. */
  readonly others: JsonObject;
}

/** Width and height in pixels. */
export interface VideoSize {
  readonly width: number;
  readonly height: number;
}

/** A picture to begin with. */
export type VideoImage =
  | { readonly kind: "data"; readonly mediaType: string; readonly base64: string; readonly url: string }
  | { readonly kind: "url"; readonly url: string }
  | { readonly kind: "file"; readonly fileId: string };

/** Fields that have a place of their own in the neutral form. */
const neutral: ReadonlySet<string> = new Set([
  ...[
    "model",
    "prompt",
    "seconds",
    "duration",
    "size",
    "resolution",
    "aspect_ratio",
    "ratio",
    "input_reference",
    "callback_url",
  ],
]);

/** Reads the client's body, which the edge has checked. */
export function readVideoRequest({ body, job }: Pick<Asked, "body" | "job">): VideoRequest {
  const given = asObject(parseJson(Buffer.from(body).toString())) ?? {};
  const size = readSize(given.size);
  return {
    prompt: asString(given.prompt) ?? "",
    seconds: readSeconds(given.seconds) ?? readSeconds(given.duration),
    size,
    // The size is what was reserved for.
    resolution: size === undefined ? (asString(given.resolution)?.toLowerCase() ?? "") : resolutionOf(size),
    ratio: size === undefined ? (asString(given.aspect_ratio) ?? asString(given.ratio) ?? "") : ratioOf(size),
    image: readImage(given.input_reference),
    callbackUrl: job?.callbackUrl ?? "",
    others: Object.fromEntries(Object.entries(given).filter(([name]) => !neutral.has(name))),
  };
}

/** Longest video that is believed, seconds: a day. */
const maxSeconds = 86_400;

/** Seconds as a number or as its text, of more than 0; undefined: not said, or no number that can be one. */
export function readSeconds(value: unknown): number | undefined {
  const seconds = typeof value === "string" && value.trim() !== "" ? Number(value) : value;
  return typeof seconds === "number" && seconds > 0 && seconds <= maxSeconds ? seconds : undefined;
}

/** Width and height of "1280x720" or "1280*720"; undefined: it says none. */
export function readSize(value: unknown): VideoSize | undefined {
  const [, width, height] = /^(\d{2,5})[xX*](\d{2,5})$/.exec(asString(value) ?? "") ?? [];
  return width === undefined || height === undefined ? undefined : { width: Number(width), height: Number(height) };
}

/** How vendors call a size: by its shorter side. */
export function resolutionOf({ width, height }: VideoSize): string {
  const shorter = Math.min(width, height);
  return shorter === 2_160 ? "4k" : `${shorter}p`;
}

/** The ratio of a size in its smallest numbers, e.g. "16:9". */
export function ratioOf({ width, height }: VideoSize): string {
  const common = divisor(width, height);
  return `${width / common}:${height / common}`;
}

function divisor(a: number, b: number): number {
  return b === 0 ? a : divisor(b, a % b);
}

/** What OpenAI's clients call their reference: an object with an address or a file's ID. Others send the address alone. */
function readImage(value: unknown): VideoImage | undefined {
  const { image_url: given, file_id: fileId } = asObject(value) ?? { image_url: value };
  const url = asString(given) ?? asString(asObject(given)?.url);
  if (url === undefined) return typeof fileId === "string" ? { kind: "file", fileId } : undefined;
  const [head, mediaType] = /^data:([\w.+/-]*)(?:;[\w=.-]*)*;base64,/i.exec(url) ?? [];
  if (head === undefined) return { kind: "url", url };
  return { kind: "data", mediaType: mediaType || "application/octet-stream", base64: url.slice(head.length), url };
}
