import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { costNanoUsd } from "../../../../shared/money/cost.ts";
import type { Prices } from "../../../../shared/money/prices.ts";
import { inputTokensOf, outputTokensOf } from "../../../../shared/money/usage.ts";
import { traitForm, Unit, unitEntry } from "../../../../shared/units.ts";
import type { ImageRequest } from "./request.ts";
import { imageUsage, readImageCounts, sumOfCounts } from "./usage.ts";

const request: ImageRequest = {
  ...{ task: "generation", prompt: "a cat on a mat", n: 1, size: "auto", quality: "auto", wants: undefined },
  ...{ stream: false, images: [], mask: undefined, others: {}, body: new Uint8Array(), form: undefined },
};
const file = { filename: "a.png", contentType: "image/png", offset: 0, length: 9 };
const editing: ImageRequest = { ...request, task: "edit", images: [file, file] };
/** Tokens of the prompt by our own count. */
const promptTokens = 4;

const noPrices: Prices = {
  ...{ inputNanoUsdPerMtok: 0n, cachedInputNanoUsdPerMtok: 0n, cacheWriteNanoUsdPerMtok: 0n, outputNanoUsdPerMtok: 0n },
  ...{ reasoningNanoUsdPerMtok: 0n, imageNanoUsd: 0n, audioSecondNanoUsd: 0n, characterNanoUsdPerMchar: 0n },
  ...{ requestNanoUsd: 0n, groupRatioPpm: 1_000_000 },
};
/** Each kind of token at a price of its own, as gpt-image-2 has them. */
const byToken: Prices = {
  ...noPrices,
  inputNanoUsdPerMtok: 5_000_000_000n,
  cachedInputNanoUsdPerMtok: 1_250_000_000n,
  rates: [
    { unit: Unit.INPUT_IMAGE_TOKENS, nanoUsd: 8_000_000_000n },
    { unit: Unit.CACHED_INPUT_IMAGE_TOKENS, nanoUsd: 2_000_000_000n },
    { unit: Unit.OUTPUT_IMAGE_TOKENS, nanoUsd: 30_000_000_000n },
  ],
};
const byImage: Prices = { ...noPrices, imageNanoUsd: 40_000_000n };
const byGiven: Prices = { ...byImage, rates: [{ unit: Unit.INPUT_IMAGES, nanoUsd: 3_000_000n }] };

/** A usage by the names of its units; what is 0 is left out. */
function unitsOf(
  usage: object | undefined,
  { prices = byToken, asked = request, images = 1, size = "1024x1024", quality = "high" } = {},
) {
  const counts = readImageCounts(usage as Parameters<typeof readImageCounts>[0]);
  const used = imageUsage({ prices }, asked, { images, size, quality, counts });
  const { estimated, more = [] } = used;
  const named = Object.fromEntries(more.map(({ unit, amount }) => [unitEntry(unit).name, Number(amount)]));
  const parts = {
    input_tokens: Number(used.inputTokens),
    cached_input_tokens: Number(used.cachedInputTokens),
    output_tokens: Number(used.outputTokens),
    images: Number(used.images),
    ...named,
  };
  const there = Object.fromEntries(Object.entries(parts).filter(([, amount]) => amount !== 0));
  return { ...there, ...(estimated ? { estimated } : {}) };
}

const details = { input_tokens_details: { text_tokens: 10, image_tokens: 300 } };
const output = { output_tokens: 4_160 };
const counted = { input_tokens: 310, ...output, total_tokens: 4_470 };
/** 1024x1024 at high quality, by our own bound. */
const guessed = Math.ceil(1.048576 * 7_500);

describe("what an upstream says of images, and what is charged (docs/billing.md)", () => {
  test.each([
    [
      "all of it",
      { ...counted, ...details, output_tokens_details: { image_tokens: 4_100, text_tokens: 60 } },
      { input_tokens: 10, input_image_tokens: 300, output_image_tokens: 4_100, output_tokens: 60 },
    ],
    [
      "no details of the output: all of it is images",
      { ...counted, ...details },
      { input_tokens: 10, input_image_tokens: 300, output_image_tokens: 4_160 },
    ],
    [
      "details of the output that name images alone: the rest is text",
      { ...counted, ...details, output_tokens_details: { image_tokens: 4_100 } },
      { input_tokens: 10, input_image_tokens: 300, output_image_tokens: 4_100, output_tokens: 60 },
    ],
    [
      "no details of the input: without images given all of it is text",
      counted,
      { input_tokens: 310, output_image_tokens: 4_160 },
    ],
    [
      "details of the input that name text alone: the rest is images",
      { ...counted, input_tokens_details: { text_tokens: 10 } },
      { input_tokens: 10, input_image_tokens: 300, output_image_tokens: 4_160 },
    ],
    [
      "cached input that is not told apart: text is cached first",
      { ...counted, input_tokens_details: { ...details.input_tokens_details, cached_tokens: 110 } },
      { cached_input_tokens: 10, cached_input_image_tokens: 100, input_image_tokens: 200, output_image_tokens: 4_160 },
    ],
    [
      "cached input that is told apart",
      {
        ...counted,
        input_tokens_details: {
          ...details.input_tokens_details,
          cached_tokens: 110,
          cached_tokens_details: { text_tokens: 0, image_tokens: 110 },
        },
      },
      { input_tokens: 10, input_image_tokens: 190, cached_input_image_tokens: 110, output_image_tokens: 4_160 },
    ],
    [
      "no output, but a total",
      { input_tokens: 310, total_tokens: 4_470, ...details },
      { input_tokens: 10, input_image_tokens: 300, output_image_tokens: 4_160 },
    ],
    ["no input, but a total", { ...output, total_tokens: 4_470 }, { input_tokens: 310, output_image_tokens: 4_160 }],
    [
      "output alone: the prompt is estimated",
      output,
      { input_tokens: promptTokens, output_image_tokens: 4_160, estimated: true },
    ],
    [
      "input alone: the images are estimated by their size and quality",
      { input_tokens: 310, ...details },
      { input_tokens: 10, input_image_tokens: 300, output_image_tokens: guessed, estimated: true },
    ],
    [
      "an output of 0 beside an image is none",
      { ...counted, output_tokens: 0, total_tokens: 310 },
      { input_tokens: 310, output_image_tokens: guessed, estimated: true },
    ],
    ["nothing", undefined, { input_tokens: promptTokens, output_image_tokens: guessed, estimated: true }],
    [
      "what is no count",
      { input_tokens: "310", output_tokens: null, total_tokens: -1 },
      { input_tokens: promptTokens, output_image_tokens: guessed, estimated: true },
    ],
    [
      "as chat tells it, with a cost (OpenRouter)",
      { prompt_tokens: 10, completion_tokens: 4_200, completion_tokens_details: { image_tokens: 4_160 }, cost: 0.1 },
      { input_tokens: 10, output_image_tokens: 4_160, output_tokens: 40, vendor_nano_usd: 100_000_000 },
    ],
  ])("by tokens: %s", (_what, usage, expected) => {
    expect(unitsOf(usage)).toEqual({ images: 1, ...expected });
  });

  test.each([
    [
      "no details of the input: the prompt is text, the rest of the images",
      counted,
      { input_tokens: promptTokens, input_image_tokens: 310 - promptTokens, output_image_tokens: 4_160 },
    ],
    [
      "nothing: each image that was given is taken as it may cost most",
      undefined,
      { input_tokens: promptTokens, input_image_tokens: 15_000, output_image_tokens: guessed, estimated: true },
    ],
  ])("an edit by tokens: %s", (_what, usage, expected) => {
    expect(unitsOf(usage, { asked: editing })).toEqual({ images: 1, ...expected });
  });

  test.each([
    ["nothing", undefined, { images: 2 }],
    [
      "tokens, which cost nothing",
      { generated_images: 9, output_tokens: 16_280, total_tokens: 16_280 },
      { images: 2, output_image_tokens: 16_280 },
    ],
  ])("by the image: %s", (_what, usage, expected) => {
    expect(unitsOf(usage, { prices: byImage, images: 2 })).toEqual(expected);
  });

  test("pictures that are given are counted where they have a price, a mask is none", () => {
    const asked = { ...editing, mask: file };
    expect(unitsOf(undefined, { prices: byGiven, asked })).toEqual({ images: 1, input_images: 2 });
    expect(unitsOf(undefined, { prices: byImage, asked })).toEqual({ images: 1 });
  });

  test("a price by size and quality is picked by what the answer says", () => {
    const prices: Prices = {
      ...byImage,
      rates: [
        { unit: Unit.IMAGES, nanoUsd: 90n, when: { aboveInputTokens: 0n, traits: { size: "9x9", quality: "hd" } } },
      ],
    };
    const costOf = (size: string, quality: string) =>
      costNanoUsd(imageUsage({ prices }, request, { images: 2, size, quality, counts: {} }), prices);
    expect(costOf("9x9", "hd")).toBe(180n);
    expect(costOf("9x9", "low")).toBe(80_000_000n);
  });

  test("what another model took to draw is text", () => {
    const counts = readImageCounts({ ...counted }, { input_tokens: 100, output_tokens: 500, total_tokens: 600 });
    expect(counts).toMatchObject({ input: 410, output: 4_660, outputText: 500 });
  });
});

const count = fc.oneof(fc.nat(5_000), fc.constantFrom(undefined, null, -1, 0.5, "7", 2e9));
const anyUsage = fc.record({
  input_tokens: count,
  output_tokens: count,
  total_tokens: count,
  input_tokens_details: fc.record({ text_tokens: count, image_tokens: count, cached_tokens: count }),
  output_tokens_details: fc.oneof(fc.constant(undefined), fc.record({ text_tokens: count, image_tokens: count })),
});

test("whatever is given and withheld, no token is charged twice and none is lost", () => {
  fc.assert(
    fc.property(anyUsage, fc.boolean(), (usage, edits) => {
      const counts = readImageCounts(usage as Parameters<typeof readImageCounts>[0]);
      const asked = edits ? editing : request;
      const used = imageUsage({ prices: byToken }, asked, { images: 1, size: "auto", quality: "auto", counts });
      const parts = [used.inputTokens, used.cachedInputTokens, used.outputTokens];
      expect([...parts, ...(used.more ?? []).map(({ amount }) => amount)].every((amount) => amount >= 0n)).toBe(true);
      if (counts.input) expect(inputTokensOf(used)).toBe(BigInt(counts.input));
      if (counts.output) expect(outputTokensOf(used)).toBe(BigInt(counts.output));
      expect(used.estimated).toBe(!counts.input || !counts.output);
    }),
  );
});

test("the counts of several images of one stream add up", () => {
  expect(sumOfCounts([{ input: 3, output: 5 }, {}, { input: 4, output: 6, outputText: 1 }])).toEqual({
    input: 7,
    output: 11,
    outputText: 1,
  });
});

const traitsOf = (size: string, quality = "auto") =>
  imageUsage({ prices: undefined }, request, { images: 1, size, quality, counts: {} }).traits ?? {};

test("the size and quality of images are traits of their usage", () => {
  expect(traitsOf("1024x1536", "high")).toEqual({ size: "1024x1536", quality: "high" });
  expect(traitsOf("auto")).toEqual({});
});

test("whatever an upstream says of them, the usage can be settled", () => {
  const anything = fc.oneof(fc.string({ unit: "binary", maxLength: 100 }), fc.constantFrom("x".repeat(65), "a\0", " "));
  fc.assert(
    fc.property(anything, anything, (size, quality) =>
      Object.values(traitsOf(size, quality)).every((value) => traitForm.test(value)),
    ),
  );
});
