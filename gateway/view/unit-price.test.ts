import { create } from "@bufbuild/protobuf";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  PricingSchema,
  QuantitySchema,
  RateSchema,
  Unit,
  UsageSchema,
} from "../../shared/gen/throughline/common/v1/common_pb.ts";
import { RecordSchema } from "../../shared/gen/throughline/history/v1/history_pb.ts";
import { costNanoUsd } from "../../shared/money/cost.ts";
import { parseUsd } from "../../shared/money/usd.ts";
import { partUnits, unitNamed, units } from "../../shared/units.ts";
import { quantitiesOut, type RateOut, ratesOut } from "./quantities.ts";
import { unitPrice } from "./unit-price.ts";

const usd = 1_000_000_000n;
type Given = Readonly<Record<string, bigint>>;

/** A record that used these amounts of units by name, at these prices in nano-USD. */
function record({ used, prices = {}, billed = 0n }: { used: Given; prices?: Given; billed?: bigint }) {
  const usage = create(UsageSchema);
  for (const [name, amount] of Object.entries(used)) {
    const entry = unitNamed(name);
    if (entry === undefined) throw new TypeError(name);
    if (entry.part === undefined) usage.more.push(create(QuantitySchema, { unit: entry.unit, amount }));
    else usage[entry.part] = amount;
  }
  const pricing = create(PricingSchema, { groupRatioPpm: 1_000_000 });
  for (const [name, nanoUsd] of Object.entries(prices)) {
    const entry = unitNamed(name);
    if (entry === undefined) throw new TypeError(name);
    if (entry.price === undefined) pricing.rates.push(create(RateSchema, { unit: entry.unit, nanoUsd }));
    else pricing[entry.price] = nanoUsd;
  }
  return create(RecordSchema, { usage, pricing, billedNanoUsd: billed });
}

/** As the history document writes it. */
const price = (input: number, output: number, outputTokens: number, inputTokens: number) => ({
  input_per_price: input,
  output_per_price: output,
  output_token: outputTokens,
  input_token: inputTokens,
});

const text = { input_tokens: 25n * 10n ** 8n, output_tokens: 10n * usd };
const cases: readonly [string, Parameters<typeof record>[0], ReturnType<typeof price>][] = [
  ["a chat", { used: { input_tokens: 10n, output_tokens: 3n }, prices: text }, price(2.5, 10, 3, 10)],
  [
    "a chat with everything",
    {
      used: {
        input_tokens: 1n,
        cached_input_tokens: 2n,
        cache_write_tokens: 4n,
        output_tokens: 8n,
        reasoning_tokens: 16n,
      },
      prices: text,
    },
    price(2.5, 10, 24, 7),
  ],
  [
    "a chat that heard audio and was read a page of the web",
    { used: { input_tokens: 1n, input_audio_tokens: 100n, output_tokens: 2n, web_searches: 1n }, prices: text },
    price(2.5, 10, 2, 101),
  ],
  ["nothing that was used", { used: {}, prices: text }, price(2.5, 10, 0, 0)],
  ["embeddings", { used: { input_tokens: 9n }, prices: { input_tokens: 20_000_000n } }, price(0.02, 0, 0, 9)],
  ["the document's image", { used: { images: 1n } }, price(0, 0, 1, 0)],
  ["images by the piece", { used: { images: 2n }, prices: { images: usd / 25n } }, price(0, 0.04, 2, 0)],
  [
    "images by tokens",
    {
      used: { images: 1n, input_tokens: 50n, output_image_tokens: 1_056n },
      prices: { input_tokens: 5n * usd, output_tokens: 20n * usd, output_image_tokens: 40n * usd },
    },
    price(5, 40, 1_056, 50),
  ],
  [
    "tokens of images alone",
    { used: { input_image_tokens: 7n }, prices: { input_tokens: usd, input_image_tokens: 2n * usd } },
    price(2, 0, 0, 7),
  ],
  ["speech", { used: { characters: 11n }, prices: { characters: 15n * usd } }, price(0, 15, 11, 0)],
  ["a video", { used: { output_video_ms: 8_000n }, prices: { output_video_ms: usd / 10n } }, price(0, 0.1, 8_000, 0)],
  [
    "a video and its sound: what costs most",
    {
      used: { output_audio_ms: 8_000n, output_video_ms: 8_000n },
      prices: { output_audio_ms: 1n, output_video_ms: usd / 10n },
    },
    price(0, 0.1, 8_000, 0),
  ],
  ["a rerank", { used: { searches: 3n }, prices: { searches: 2_000_000n } }, price(0, 0.002, 3, 0)],
  [
    "an image whose cost the vendor says",
    { used: { images: 1n, vendor_nano_usd: 40n }, prices: { vendor_nano_usd: usd } },
    price(0, 0, 1, 0),
  ],
  [
    "a cost of the vendor alone",
    { used: { vendor_nano_usd: 40n }, prices: { vendor_nano_usd: usd } },
    price(0, 1, 40, 0),
  ],
  ["a request by the piece", { used: {}, prices: { requests: 5n }, billed: 5n }, price(0, 5e-9, 1, 0)],
  ["a free moderation", { used: {}, prices: {} }, price(0, 0, 0, 0)],
];

describe("unit_price", () => {
  test.each(cases)("of %s", (_, given, expected) => {
    expect(unitPrice(record(given))).toEqual(expected);
  });

  test("is what held: above a length of the input, in a tier of service", () => {
    const long = record({ used: { input_tokens: 300_000n, output_tokens: 1n }, prices: text });
    const when = { aboveInputTokens: 200_000n, traits: {} };
    long.pricing?.rates.push(create(RateSchema, { unit: Unit.INPUT_TOKENS, nanoUsd: 5n * usd, when }));
    const flex = { aboveInputTokens: 0n, traits: { service_tier: "flex" } };
    long.pricing?.rates.push(create(RateSchema, { unit: Unit.OUTPUT_TOKENS, nanoUsd: usd, when: flex }));
    expect(unitPrice(long)).toEqual(price(5, 10, 1, 300_000));
    if (long.usage !== undefined) long.usage.traits.service_tier = "flex";
    expect(unitPrice(long)).toEqual(price(5, 1, 1, 300_000));
  });

  test("and the quantities are there whatever a record says, also units of a newer program", () => {
    const amount = fc.bigInt({ min: 0n, max: 10n ** 15n });
    const more = fc.uniqueArray(
      fc.record({ unit: fc.integer({ min: 10, max: 60 }).map((unit) => unit as Unit), amount }),
      {
        selector: ({ unit }) => unit,
      },
    );
    fc.assert(
      fc.property(fc.tuple(...partUnits.map(() => amount)), more, (amounts, list) => {
        const parts = Object.fromEntries(partUnits.map(({ part }, n) => [part, amounts[n] ?? 0n]));
        const usage = create(UsageSchema, { ...parts, more: list.filter((one) => one.amount > 0n) });
        const { output_token, input_token, ...prices } = unitPrice(create(RecordSchema, { usage }));
        expect(prices).toEqual({ input_per_price: 0, output_per_price: 0 });
        const shown = quantitiesOut(usage);
        const tokens = units.filter(({ name }) => name.endsWith("_tokens") && shown[name] !== undefined);
        const sum = tokens.reduce((total, { name }) => total + (shown[name] ?? 0), 0);
        if (tokens.length > 0) expect(output_token + input_token).toBeCloseTo(sum, -3);
        expect(Object.values(shown).every((one) => one > 0)).toBe(true);
      }),
    );
  });
});

describe("the rates that are shown", () => {
  test("with the quantities and the ratio reckon what was charged", () => {
    const amount = fc.bigInt({ min: 0n, max: 10n ** 9n });
    const unit = fc.constantFrom(
      ...units.filter((entry) => entry.unit !== Unit.REQUESTS && entry.unit !== Unit.VENDOR_NANO_USD),
    );
    const used = fc.uniqueArray(fc.tuple(unit, amount), { selector: ([{ name }]) => name });
    fc.assert(
      fc.property(used, (list) => {
        const given = record({
          used: Object.fromEntries(list.filter(([, n]) => n > 0n).map(([{ name }, n]) => [name, n])),
          prices: Object.fromEntries(list.map(([{ name }, n]) => [name, n + 1n])),
        });
        const { usage, pricing } = given;
        if (usage === undefined || pricing === undefined) throw new TypeError("no usage");
        const rates = new Map<string, RateOut>(ratesOut(pricing).map((rate) => [rate.unit, rate]));
        const perBillion = Object.entries(quantitiesOut(usage)).reduce((sum, [name, n]) => {
          const rate = rates.get(name);
          expect(rate?.when).toBeNull();
          return sum + BigInt(n) * parseUsd(rate?.usd ?? "0") * (10n ** 9n / BigInt(rate?.per ?? 1));
        }, 0n);
        expect((perBillion + 10n ** 9n - 1n) / 10n ** 9n).toBe(costNanoUsd(usage, pricing));
      }),
    );
  });
});
