import { createHash } from "node:crypto";
import { imageBound } from "../../../../shared/estimate/images.ts";
import { estimateTextTokens } from "../../../../shared/estimate/text.ts";
import { noUsage, type Quantity, rateOf } from "../../../../shared/money.ts";
import { traitForm, Unit } from "../../../../shared/units.ts";
import type { AnswerFacts, Asked } from "../../domain/exchange.ts";
import { asArray, asObject, asString, countOf, type JsonObject, parseJson } from "../../wire/json.ts";

/** The neutral form of a request for images, which is OpenAI's. */
export interface ImageRequest {
  readonly prompt: string;
  readonly n: number;
  /** "auto" where it is not said. */
  readonly size: string;
  readonly quality: string;
}

/** Reads the client's body, which the edge has checked. */
export function readImageRequest({ body }: Asked): ImageRequest {
  const given = asObject(parseJson(Buffer.from(body).toString())) ?? {};
  return {
    prompt: asString(given.prompt) ?? "",
    n: countOf(given.n) || 1,
    size: asString(given.size) ?? "auto",
    quality: asString(given.quality) ?? "auto",
  };
}

/** What an upstream said of the images that it made. */
export interface ImageFacts {
  /** Images in the answer. */
  readonly images: number;
  /** As it says, else as it was asked. "auto": nobody said. */
  readonly size: string;
  readonly quality: string;
  /** Absent: it counted nothing. */
  readonly usage: JsonObject | undefined;
}

/**
 * The usage of images: how many, and their tokens by kind. Without `output_tokens_details` all output is image tokens, as it is
 * with the GPT image models (wire/modules.md, 4). Tokens that the upstream did not count are estimated only where something is charged for
 * them.
 */
export function imageUsage(
  asked: Pick<Asked, "prices">,
  request: ImageRequest,
  facts: ImageFacts,
): AnswerFacts["usage"] {
  const { images, size, quality, usage } = facts;
  const traits = { ...said("size", size), ...said("quality", quality) };
  const base = { ...noUsage, images: BigInt(images), ...(Object.keys(traits).length > 0 ? { traits } : {}) };
  if (usage !== undefined && countOf(usage.output_tokens) !== undefined) {
    return { ...base, ...countedTokens(usage), estimated: false };
  }
  const { prices } = asked;
  const costs = (unit: Unit) => prices === undefined || rateOf(prices, unit, 0n, traits) > 0n;
  const inputTokens = costs(Unit.INPUT_TOKENS) ? estimateTextTokens(request.prompt) : 0;
  const outputTokens = costs(Unit.OUTPUT_IMAGE_TOKENS) ? imageBound(size, quality, 0) * images : 0;
  return {
    ...base,
    inputTokens: BigInt(inputTokens),
    more: quantities([[Unit.OUTPUT_IMAGE_TOKENS, outputTokens]]),
    estimated: inputTokens + outputTokens > 0,
  };
}

function countedTokens(usage: JsonObject) {
  const input = countOf(usage.input_tokens) ?? 0;
  const output = countOf(usage.output_tokens) ?? 0;
  const inputDetails = asObject(usage.input_tokens_details) ?? {};
  const outputDetails = asObject(usage.output_tokens_details);
  const inputImage = Math.min(input, countOf(inputDetails.image_tokens) ?? 0);
  const cached = Math.min(input - inputImage, countOf(inputDetails.cached_tokens) ?? 0);
  const text = outputDetails === undefined ? 0 : Math.min(output, countOf(outputDetails.text_tokens) ?? 0);
  return {
    inputTokens: BigInt(input - inputImage - cached),
    cachedInputTokens: BigInt(cached),
    outputTokens: BigInt(text),
    more: quantities([
      [Unit.INPUT_IMAGE_TOKENS, inputImage],
      [Unit.OUTPUT_IMAGE_TOKENS, output - text],
    ]),
  };
}

function quantities(counts: readonly (readonly [Unit, number])[]): Quantity[] {
  return counts.filter(([, count]) => count > 0).map(([unit, count]) => ({ unit, amount: BigInt(count) }));
}

function said(name: string, value: string): Record<string, string> {
  return value === "auto" || !traitForm.test(value) ? {} : { [name]: value };
}

/** What history keeps of an answer: of base64 its size and digest, never the bytes. */
export function imageDocument(answer: JsonObject): Buffer {
  const data = asArray(answer.data).map((item) => {
    const { b64_json: base64, ...rest } = asObject(item) ?? {};
    return typeof base64 === "string" ? { ...rest, b64_json: mediaWords(base64, answer) } : rest;
  });
  return Buffer.from(JSON.stringify({ ...answer, data }));
}

/** As history writes media that it finds itself (services/history/domain/media.ts). */
function mediaWords(base64: string, answer: JsonObject): string {
  const bytes = Buffer.from(base64, "base64");
  const type = `image/${asString(answer.output_format) ?? "png"}`;
  return `[${type}, ${bytes.length} bytes, sha256:${createHash("sha256").update(bytes).digest("hex")}]`;
}
