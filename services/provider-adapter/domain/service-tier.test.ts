import { expect, test } from "vitest";
import type { Prices } from "../../../shared/money/prices.ts";
import { noUsage } from "../../../shared/money/usage.ts";
import { Unit } from "../../../shared/units.ts";
import { usageOf } from "../modules/chat/neutral/usage.ts";
import { isTierPriced, mayBeDearer, tierAsked } from "./service-tier.ts";
import { unpricedNotes } from "./unpriced.ts";

const none: Prices = {
  inputNanoUsdPerMtok: 0n,
  cachedInputNanoUsdPerMtok: 0n,
  cacheWriteNanoUsdPerMtok: 0n,
  outputNanoUsdPerMtok: 0n,
  reasoningNanoUsdPerMtok: 0n,
  imageNanoUsd: 0n,
  audioSecondNanoUsd: 0n,
  characterNanoUsdPerMchar: 0n,
  requestNanoUsd: 0n,
  groupRatioPpm: 1_000_000,
};
const prices: Prices = { ...none, inputNanoUsdPerMtok: 10n, outputNanoUsdPerMtok: 20n, requestNanoUsd: 5n };
const at = (tier: string, ...units: readonly Unit[]) =>
  units.map((unit) => ({ unit, nanoUsd: 40n, when: { aboveInputTokens: 0n, traits: { service_tier: tier } } }));

test.each<[string, Prices | undefined, boolean]>([
  ["no prices", undefined, false],
  ["nothing is charged", none, false],
  ["no rates", prices, false],
  ["another tier", { ...prices, rates: at("flex", Unit.INPUT_TOKENS, Unit.OUTPUT_TOKENS) }, false],
  ["input alone", { ...prices, rates: at("priority", Unit.INPUT_TOKENS) }, false],
  ["input and output", { ...prices, rates: at("priority", Unit.INPUT_TOKENS, Unit.OUTPUT_TOKENS) }, true],
  [
    "not what is cached, which has a price",
    { ...prices, cachedInputNanoUsdPerMtok: 1n, rates: at("priority", Unit.INPUT_TOKENS, Unit.OUTPUT_TOKENS) },
    false,
  ],
  [
    "not audio, which has a price",
    {
      ...prices,
      rates: [
        { unit: Unit.INPUT_AUDIO_TOKENS, nanoUsd: 90n },
        ...at("priority", Unit.INPUT_TOKENS, Unit.OUTPUT_TOKENS),
      ],
    },
    false,
  ],
  [
    "searches cost the same in every tier",
    {
      ...prices,
      rates: [{ unit: Unit.WEB_SEARCHES, nanoUsd: 90n }, ...at("priority", Unit.INPUT_TOKENS, Unit.OUTPUT_TOKENS)],
    },
    true,
  ],
])("a tier is priced: %s", (_name, given, expected) => {
  expect(isTierPriced(given, "priority")).toBe(expected);
});

test("a tier that is not known may be dearer", () => {
  for (const tier of ["auto", "default", "flex", "scale", "batch", "standard_only", "on_demand", "Flex"]) {
    expect(mayBeDearer(tier), tier).toBe(false);
  }
  for (const tier of ["priority", "fast", "ultrafast", "performance", "next-year"]) {
    expect(mayBeDearer(tier), tier).toBe(true);
  }
});

test("an answer that says no tier is charged by the dearer one that was asked for and let through", () => {
  const priced = { ...prices, rates: at("priority", Unit.INPUT_TOKENS, Unit.OUTPUT_TOKENS) };
  const asked = (body: object, given: Prices = priced) => ({ body: Buffer.from(JSON.stringify(body)), prices: given });
  expect(tierAsked(asked({ service_tier: "priority" }))).toBe("priority");
  expect(tierAsked(asked({ service_tier: "fast" }))).toBe("priority");
  for (const service_tier of ["flex", "ultrafast", "auto", null, 7])
    expect(tierAsked(asked({ service_tier }))).toBeUndefined();
  expect(tierAsked(asked({ service_tier: "priority" }, prices))).toBeUndefined();
  const fast = { ...prices, rates: at("fast", Unit.INPUT_TOKENS, Unit.OUTPUT_TOKENS) };
  expect(tierAsked(asked({ speed: "fast" }, fast))).toBe("fast");
  expect(tierAsked(asked({}, fast))).toBeUndefined();
  expect(tierAsked(undefined)).toBeUndefined();
  const estimate = { input: () => 1, delivered: () => ({ visible: 1, thinking: 0 }) };
  const dear = { ...estimate, asked: asked({ service_tier: "priority" }) };
  expect(usageOf({ input: 5, output: 5 }, false, dear).traits).toEqual({ service_tier: "priority" });
  expect(usageOf({ input: 5, output: 5, tier: "default" }, false, dear).traits).toBeUndefined();
});

test("what has no price is said on the record, never passed over", () => {
  const more = [
    { unit: Unit.INPUT_AUDIO_TOKENS, amount: 5n },
    { unit: Unit.WEB_SEARCHES, amount: 3n },
    { unit: Unit.VENDOR_NANO_USD, amount: 7n },
  ];
  const usage = { ...noUsage, more, traits: { service_tier: "priority" } };
  expect(unpricedNotes(usage, prices)).toEqual([
    "service_tier priority is charged as the standard: it has no prices",
    "3 web_searches not charged: they have no price",
  ]);
  const searches = { unit: Unit.WEB_SEARCHES, nanoUsd: 1n };
  const rates = [searches, ...at("priority", Unit.INPUT_TOKENS, Unit.OUTPUT_TOKENS)];
  expect(unpricedNotes(usage, { ...prices, rates })).toEqual([]);
  expect(unpricedNotes(usage, { ...prices, rates: [{ unit: Unit.VENDOR_NANO_USD, nanoUsd: 1n }] })).toEqual([]);
  expect(unpricedNotes(usage, none)).toEqual([]);
  expect(unpricedNotes({ ...usage, traits: { service_tier: "flex" }, more: [] }, prices)).toEqual([]);
  expect(unpricedNotes(noUsage, prices)).toEqual([]);
});
