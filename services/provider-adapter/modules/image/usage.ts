import { imageBound, inputImageBound } from "../../../../shared/estimate/images.ts";
import { estimateTextTokens } from "../../../../shared/estimate/text.ts";
import { hasRate, rateOf } from "../../../../shared/money/prices.ts";
import { noUsage, type Quantity } from "../../../../shared/money/usage.ts";
import { traitForm, Unit } from "../../../../shared/units.ts";
import type { AnswerFacts, Asked } from "../../domain/exchange.ts";
import { vendorCostOf } from "../../domain/vendor-cost.ts";
import { asObject, countOf, type JsonObject } from "../../wire/json.ts";
import type { ImageAnswer, ImageCounts } from "./format.ts";
import type { ImageRequest } from "./request.ts";

/** What of an answer its charge goes by. */
export interface ImageFacts extends Pick<ImageAnswer, "size" | "quality" | "counts"> {
  /** Images in the answer. */
  readonly images: number;
}

/**
 * The usage of images: how many, and their tokens by kind (docs/billing.md, "Images"). Each count is read by itself; what the
 * upstream did not count is estimated only where something is charged for it.
 */
export function imageUsage(
  { prices }: Pick<Asked, "prices">,
  request: ImageRequest,
  { images, size, quality, counts }: ImageFacts,
): AnswerFacts["usage"] {
  const traits = { ...said("size", size), ...said("quality", quality) };
  const costs = (unit: Unit) => prices === undefined || rateOf(prices, unit, 0n, traits) > 0n;
  const input = inputOf(counts, request, costs);
  const output = outputOf(counts, () => (costs(Unit.OUTPUT_IMAGE_TOKENS) ? imageBound(size, quality, 0) * images : 0));
  // Pictures that were given are counted where they have a price: most vendors charge their tokens, or nothing.
  const given = prices !== undefined && hasRate(prices, Unit.INPUT_IMAGES) ? request.images.length : 0;
  return {
    ...noUsage,
    inputTokens: BigInt(input.text),
    cachedInputTokens: BigInt(input.cachedText),
    outputTokens: BigInt(output.text),
    reasoningTokens: BigInt(counts.reasoning ?? 0),
    images: BigInt(images),
    more: quantities([
      [Unit.INPUT_IMAGE_TOKENS, input.image],
      [Unit.CACHED_INPUT_IMAGE_TOKENS, input.cachedImage],
      [Unit.OUTPUT_IMAGE_TOKENS, output.image],
      [Unit.INPUT_IMAGES, given],
      [Unit.VENDOR_NANO_USD, counts.vendorNanoUsd ?? 0],
    ]),
    ...(Object.keys(traits).length > 0 ? { traits } : {}),
    estimated: input.estimated || output.estimated,
  };
}

function inputOf(counts: ImageCounts, request: ImageRequest, costs: (unit: Unit) => boolean) {
  const given = request.images.length + (request.mask === undefined ? 0 : 1);
  const text = estimateTextTokens(request.prompt);
  // Every request has an input, so one of 0 was not counted.
  const whole = counts.input || undefined;
  if (whole === undefined) {
    const image = costs(Unit.INPUT_IMAGE_TOKENS) ? given * inputImageBound : 0;
    const estimate = costs(Unit.INPUT_TOKENS) ? text : 0;
    return { text: estimate, image, cachedText: 0, cachedImage: 0, estimated: estimate + image > 0 };
  }
  // Without details the prompt is text, and the rest is of the images that were given.
  const image = Math.min(whole, counts.inputImage ?? (given === 0 ? 0 : Math.max(0, whole - text)));
  const cached = Math.min(whole, counts.cached ?? 0);
  const textCachedFirst = Math.max(0, cached - (whole - image));
  const cachedImage = Math.min(image, cached, Math.max(counts.cachedImage ?? 0, textCachedFirst));
  return {
    text: whole - image - (cached - cachedImage),
    image: image - cachedImage,
    cachedText: cached - cachedImage,
    cachedImage,
    estimated: false,
  };
}

/** Output that is not told apart is images: so it is with the GPT image models (wire/modules.md, 4). */
function outputOf({ output, outputText }: ImageCounts, estimate: () => number) {
  // An answer with an image has output, so one of 0 was not counted.
  if (!output) {
    const image = estimate();
    return { text: 0, image, estimated: image > 0 };
  }
  const text = Math.min(output, outputText ?? 0);
  return { text, image: output - text, estimated: false };
}

function quantities(counts: readonly (readonly [Unit, number])[]): Quantity[] {
  return counts
    .filter(([, count]) => count > 0)
    .map(([unit, count]) => ({ unit, amount: BigInt(count) }))
    .sort((a, b) => a.unit - b.unit);
}

function said(name: string, value: string): Record<string, string> {
  return value === "auto" || !traitForm.test(value) ? {} : { [name]: value };
}

/**
 * The counts of OpenAI's usage of images, and of that of chat, in which OpenRouter tells them. A whole that is missing follows
 * from the total and the other whole. What another model took to draw (`svg_usage`) is text of this request.
 */
export function readImageCounts(usage: JsonObject | undefined, svgUsage?: JsonObject | undefined): ImageCounts {
  if (usage === undefined) return {};
  const total = countOf(usage.total_tokens);
  const input = countOf(usage.input_tokens) ?? countOf(usage.prompt_tokens);
  const output = countOf(usage.output_tokens) ?? countOf(usage.completion_tokens);
  const inputDetails = asObject(usage.input_tokens_details) ?? asObject(usage.prompt_tokens_details) ?? {};
  const outputDetails = asObject(usage.output_tokens_details) ?? asObject(usage.completion_tokens_details) ?? {};
  const wholeInput = input ?? rest(total, output);
  const wholeOutput = output ?? rest(total, input);
  const drawn = asObject(svgUsage) ?? {};
  const drawnOutput = countOf(drawn.output_tokens) ?? 0;
  return {
    input: plus(wholeInput, countOf(drawn.input_tokens) ?? 0),
    inputImage: countOf(inputDetails.image_tokens) ?? rest(wholeInput, countOf(inputDetails.text_tokens)),
    cached: countOf(inputDetails.cached_tokens),
    cachedImage: countOf(asObject(inputDetails.cached_tokens_details)?.image_tokens),
    output: plus(wholeOutput, drawnOutput),
    outputText: plus(
      countOf(outputDetails.text_tokens) ?? rest(wholeOutput, countOf(outputDetails.image_tokens)),
      drawnOutput,
    ),
    vendorNanoUsd: vendorCostOf(usage),
  };
}

function rest(whole: number | undefined, part: number | undefined): number | undefined {
  return whole === undefined || part === undefined ? undefined : Math.max(0, whole - part);
}

function plus(count: number | undefined, more: number): number | undefined {
  return count === undefined ? (more === 0 ? undefined : more) : count + more;
}

/** The counts of several images of one answer, each of which was counted by itself. */
export function sumOfCounts(all: readonly ImageCounts[]): ImageCounts {
  const sum: { -readonly [Name in keyof ImageCounts]: ImageCounts[Name] } = {};
  for (const counts of all) {
    for (const name of Object.keys(counts) as (keyof ImageCounts)[]) {
      const count = counts[name];
      if (count !== undefined) sum[name] = (sum[name] ?? 0) + count;
    }
  }
  return sum;
}

/** The counts as OpenAI tells them, for clients of an upstream that tells them otherwise. Absent: it counted nothing. */
export function toldCounts({ input, inputImage, output, outputText, reasoning }: ImageCounts): JsonObject | undefined {
  if (input === undefined || output === undefined) return undefined;
  const image = Math.min(input, inputImage ?? 0);
  const written = output + (reasoning ?? 0);
  const text = Math.min(output, outputText ?? 0) + (reasoning ?? 0);
  return {
    input_tokens: input,
    output_tokens: written,
    total_tokens: input + written,
    input_tokens_details: { text_tokens: input - image, image_tokens: image },
    output_tokens_details: { text_tokens: text, image_tokens: written - text },
  };
}
