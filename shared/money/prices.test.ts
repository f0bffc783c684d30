import { create } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import { PricingSchema, Unit, UsageSchema } from "../gen/throughline/common/v1/common_pb.ts";
import { units } from "../units.ts";
import { costLines, costNanoUsd } from "./cost.ts";
import { conditionsOf, dearestRateOf, type Prices, type Rate, rateOf } from "./prices.ts";
import { type BillableUsage, inputTokensOf, outputTokensOf } from "./usage.ts";

const noUsage: BillableUsage = create(UsageSchema);
const noPrices: Prices = create(PricingSchema, { groupRatioPpm: 1_000_000 });
const rate = (unit: Unit, nanoUsd: bigint, above = 0n, traits: Record<string, string> = {}): Rate => ({
  unit,
  nanoUsd,
  when: { aboveInputTokens: above, traits },
});

test.each([
  ["none", undefined, 0],
  ["nothing that is said", { aboveInputTokens: 0n, traits: {} }, 0],
  ["the shortest length", { aboveInputTokens: 1n, traits: {} }, 1],
  ["two facts", { aboveInputTokens: 0n, traits: { size: "a", quality: "b" } }, 2],
  ["a length and a fact", { aboveInputTokens: 9n, traits: { size: "a" } }, 2],
])("conditions of %s", (_case, when, count) => {
  expect(conditionsOf(when)).toBe(count);
});

test.each([
  [99n, 1n],
  [100n, 1n],
  [101n, 7n],
])("a price above 100 tokens with %i", (inputTokens, price) => {
  const prices = { ...noPrices, inputNanoUsdPerMtok: 1n, rates: [rate(Unit.INPUT_TOKENS, 7n, 100n)] };
  expect(rateOf(prices, Unit.INPUT_TOKENS, inputTokens, {})).toBe(price);
});

describe("the dearest price", () => {
  const bySize = rate(Unit.OUTPUT_TOKENS, 9n, 0n, { size: "a" });
  const byBoth = rate(Unit.OUTPUT_TOKENS, 3n, 0n, { size: "a", quality: "b" });
  const byQuality = rate(Unit.OUTPUT_TOKENS, 4n, 0n, { quality: "b" });
  const dearInBoth = rate(Unit.OUTPUT_TOKENS, 12n, 0n, { size: "a", quality: "b" });
  const long = rate(Unit.OUTPUT_TOKENS, 7n, 5n);

  test.each([
    ["of two that surely hold is that with more conditions", [bySize, byBoth], { size: "a", quality: "b" }, 0n, 3n],
    ["of two that rank alike is the dearer", [bySize, byQuality], { size: "a", quality: "b" }, 0n, 9n],
    ["of one that surely holds stands against what it outranks", [byQuality], { quality: "b" }, 0n, 4n],
    ["may be one that outranks it", [bySize, dearInBoth], { size: "a" }, 0n, 12n],
    ["is not one that costs less and may hold", [bySize, byBoth], { size: "a" }, 0n, 9n],
    ["of no more tokens than its length is not the long one", [long], {}, 5n, 5n],
    ["of one token more is", [long], {}, 6n, 7n],
  ])("%s", (_case, rates, known, most, price) => {
    for (const list of [rates, rates.toReversed()]) {
      const prices = { ...noPrices, outputNanoUsdPerMtok: 5n, rates: list };
      expect(dearestRateOf(prices, Unit.OUTPUT_TOKENS, most, known)).toBe(price);
    }
  });
});

describe("a cost that the vendor reports", () => {
  const usage = { ...noUsage, outputTokens: 2_000_000n, more: [{ unit: Unit.VENDOR_NANO_USD, amount: 50n }] };
  const plain = { ...noPrices, outputNanoUsdPerMtok: 3n, requestNanoUsd: 1n };

  test.each([
    ["is charged in the place of everything but the request", [rate(Unit.VENDOR_NANO_USD, 2_000_000_000n)], 101n],
    ["is charged in no way without a price of its own", [], 7n],
    ["nor where other units have rates", [rate(Unit.OUTPUT_TOKENS, 4n), rate(Unit.WEB_SEARCHES, 5n)], 9n],
  ])("%s", (_case, rates, cost) => {
    expect(costNanoUsd(usage, { ...plain, rates })).toBe(cost);
    const sum = costLines(usage, { ...plain, rates }).reduce((total, { billionths }) => total + billionths, 0n);
    expect(sum).toBe(cost * 10n ** 9n);
  });
});

test("a single one of a unit is charged by its rate and has its line, and a request without a price has none", () => {
  const prices = { ...noPrices, imageNanoUsd: 9n, rates: [rate(Unit.IMAGES, 4n, 0n, { size: "s" })] };
  const usage = { ...noUsage, images: 1n, traits: { size: "s" } };
  expect(costNanoUsd(usage, prices)).toBe(4n);
  expect(costLines(usage, prices)).toEqual([
    { unit: Unit.IMAGES, amount: 1n, nanoUsd: 4n, billionths: 4n * 10n ** 9n },
  ]);
});

describe("the whole input and output", () => {
  test.each(units)("count $name as what its name says", ({ unit, part, name }) => {
    const amount = 5n;
    const usage = part === undefined ? { ...noUsage, more: [{ unit, amount }] } : { ...noUsage, [part]: amount };
    const isInput = /^(cached_)?input_(\w+_)?tokens$|^cache_write/.test(name);
    const isOutput = /^output_(\w+_)?tokens$|^reasoning_tokens$/.test(name);
    expect(inputTokensOf(usage)).toBe(isInput ? amount : 0n);
    expect(outputTokensOf(usage)).toBe(isOutput ? amount : 0n);
  });

  test("are sums", () => {
    const more = [Unit.INPUT_AUDIO_TOKENS, Unit.OUTPUT_AUDIO_TOKENS].map((unit) => ({ unit, amount: 100n }));
    const parts = {
      inputTokens: 1n,
      cachedInputTokens: 2n,
      cacheWriteTokens: 4n,
      outputTokens: 8n,
      reasoningTokens: 16n,
    };
    expect(inputTokensOf({ ...noUsage, ...parts, more })).toBe(107n);
    expect(outputTokensOf({ ...noUsage, ...parts, more })).toBe(124n);
  });
});
