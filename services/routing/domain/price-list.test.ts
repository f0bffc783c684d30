import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { conditionsOf, rateOf } from "../../../shared/money/prices.ts";
import { Unit, unitEntry, units } from "../../../shared/units.ts";
import { configurationOf } from "../testing.ts";
import { byHour, type HourlyPrice } from "./day-parts.ts";
import { createGroupPrices, priceAt } from "./group-price.ts";
import { toListPrices } from "./price-list.ts";
import type { WrittenPrice } from "./price-ties.ts";
import type { ListPrices } from "./types.ts";

const lengths = [0n, 10n, 20n];
const condition = fc
  .record({
    aboveInputTokens: fc.constantFrom(...lengths),
    traits: fc.dictionary(fc.constantFrom("size", "service_tier", "quality"), fc.constantFrom("a", "b"), {
      maxKeys: 3,
    }),
  })
  .map((when) => (conditionsOf(when) === 0 ? undefined : when));
const written: fc.Arbitrary<WrittenPrice> = fc
  .record({
    unit: fc.constantFrom(
      Unit.INPUT_TOKENS,
      Unit.CACHED_INPUT_TOKENS,
      Unit.INPUT_IMAGE_TOKENS,
      Unit.CACHE_WRITE_1H_TOKENS,
      Unit.IMAGES,
    ),
    nanoUsd: fc.bigInt({ min: 0n, max: 99n }),
    when: condition,
  })
  .map(({ when, ...price }) => (when === undefined ? price : { ...price, when }));
const facts = fc.record({
  inputTokens: fc.constantFrom(0n, 10n, 11n, 20n, 21n),
  traits: fc.dictionary(fc.constantFrom("size", "service_tier", "quality"), fc.constantFrom("a", "b", "c")),
});
const list = fc.array(written, { maxLength: 9 });
const withRatio = (prices: ListPrices) => ({ ...prices, groupRatioPpm: 1_000_000 });

/** The units whose price holds, one behind the other, where a unit has none. */
function ancestorsOf(unit: Unit): Unit[] {
  const { parent } = unitEntry(unit);
  return parent === undefined ? [] : [parent, ...ancestorsOf(parent)];
}

describe("a price list that compiles", () => {
  test("charges the same in whatever order its rates are looked at, and is the same however it was written", () => {
    let compiled = 0;
    fc.assert(
      fc.property(list, facts, fc.integer({ min: 0, max: 9 }), (prices, { inputTokens, traits }, turn) => {
        const { prices: made, problems } = toListPrices(prices);
        if (problems.length > 0) return;
        compiled++;
        const turned = [...prices.slice(turn), ...prices.slice(0, turn)];
        expect(toListPrices(turned).prices).toEqual(made);
        const backwards = { ...made, rates: (made.rates ?? []).toReversed() };
        for (const { unit } of units) {
          const price = rateOf(withRatio(made), unit, inputTokens, traits);
          expect(rateOf(withRatio(backwards), unit, inputTokens, traits)).toBe(price);
        }
      }),
      { numRuns: 2_000 },
    );
    expect(compiled).toBeGreaterThan(200);
  });

  test("charges what was written with most of the conditions that hold, else what its parent costs", () => {
    fc.assert(
      fc.property(list, facts, (prices, { inputTokens, traits }) => {
        const { prices: made, problems } = toListPrices(prices);
        if (problems.length > 0) return;
        const expected = (unit: Unit): bigint => {
          const { parent } = unitEntry(unit);
          const own = prices.filter((price) => price.unit === unit);
          const hasBase = own.some(({ when }) => when === undefined);
          const holding = own
            .filter(
              ({ when }) => when === undefined || inputTokens > when.aboveInputTokens || when.aboveInputTokens === 0n,
            )
            .filter(({ when }) => Object.entries(when?.traits ?? {}).every(([name, value]) => traits[name] === value));
          const best = holding.toSorted(
            (a, b) =>
              conditionsOf(b.when) - conditionsOf(a.when) ||
              Number((b.when?.aboveInputTokens ?? 0n) - (a.when?.aboveInputTokens ?? 0n)),
          )[0];
          if (hasBase || parent === undefined) return best?.nanoUsd ?? 0n;
          if (best === undefined) return expected(parent);
          // A price of the units that it follows is the more exact one under more conditions.
          const followed = ancestorsOf(unit);
          const parents = prices.filter(
            (price) => followed.includes(price.unit) && conditionsOf(price.when) >= conditionsOf(best.when),
          );
          return parents.length === 0 ? best.nanoUsd : rateOf(withRatio(made), unit, inputTokens, traits);
        };
        for (const { unit } of prices) {
          expect(rateOf(withRatio(made), unit, inputTokens, traits)).toBe(expected(unit));
        }
      }),
      { numRuns: 2_000 },
    );
  });

  test("lets a unit without a price of its own follow its parent under every condition", () => {
    fc.assert(
      fc.property(list, facts, (prices, { inputTokens, traits }) => {
        const { prices: made, problems } = toListPrices(prices);
        if (problems.length > 0) return;
        for (const { unit, parent } of units) {
          if (parent === undefined || prices.some((price) => price.unit === unit)) continue;
          const of = (one: Unit) => rateOf(withRatio(made), one, inputTokens, traits);
          expect(of(unit), unitEntry(unit).name).toBe(of(parent));
        }
      }),
      { numRuns: 1_000 },
    );
  });
});

test("prices of hours take the place of those of the day, to the second", () => {
  const second = fc.integer({ min: 0, max: 86_399 });
  const hours = fc
    .tuple(second, second)
    .filter(([fromS, toS]) => fromS !== toS)
    .map(([fromS, toS]) => ({ fromS, toS }));
  fc.assert(
    fc.property(fc.array(fc.tuple(hours, fc.bigInt({ min: 1n, max: 9n })), { maxLength: 3 }), second, (parts, atS) => {
      const prices: HourlyPrice[] = [
        { unit: Unit.INPUT_TOKENS, nanoUsd: 100n },
        ...parts.map(([span, nanoUsd]) => ({ unit: Unit.INPUT_TOKENS, nanoUsd, hours: span })),
      ];
      const { list: made, problems } = byHour(prices);
      const within = parts.filter(([{ fromS, toS }]) =>
        fromS < toS ? atS >= fromS && atS < toS : atS >= fromS || atS < toS,
      );
      if (within.length > 1) expect(problems.length).toBeGreaterThan(0);
      if (problems.length > 0) return;
      const strategy = { key: "s", name: "s", ...made, origin: "strategy", customResponse: "", list: "" } as const;
      const price = createGroupPrices()(strategy, { name: "default", ratioPpm: 1_000_000 });
      if (price === undefined) throw new Error("no price");
      const dayMs = 86_400_000 * 20_000;
      const { prices: now } = priceAt(price, dayMs + atS * 1_000 + 999);
      expect(now.inputNanoUsdPerMtok).toBe(within[0]?.[1] ?? 100n);
      expect(now.reasoningNanoUsdPerMtok).toBe(0n);
      if (parts.length === 0) expect(made.byHour).toBeUndefined();
    }),
  );
});

describe("prices of the file", () => {
  const strategyOf = (entry: string) =>
    configurationOf(`strategies: [{ name: s, ${entry} }]`).strategies.find(({ name }) => name === "s");
  const usd = (amount: number) => BigInt(Math.round(amount * 1e9));

  test("may be given for every unit", () => {
    for (const { priceKey, unit, price } of units) {
      const beside = priceKey === "output" ? "" : 'output: "9", ';
      const prices = strategyOf(`prices: { ${beside}${priceKey}: "0.25" }`)?.prices;
      expect(rateOf(withRatio(prices as ListPrices), unit, 0n, {}), priceKey).toBe(usd(0.25));
      expect(prices?.rates?.some((rate) => rate.unit === unit) ?? false, priceKey).toBe(price === undefined);
    }
  });

  test("by a trait cost the dearest where the trait is in none, or what `default` says", () => {
    const dearest = strategyOf('prices: { video_second: { 720p: "0.10", 1080p: "0.15" } }')?.prices as ListPrices;
    const said = strategyOf('prices: { video_second: { 720p: "0.10", default: "0.12" } }')?.prices as ListPrices;
    const of = (prices: ListPrices, resolution: string) =>
      rateOf(withRatio(prices), Unit.OUTPUT_VIDEO_MS, 0n, resolution === "" ? {} : { resolution });
    expect(["720p", "1080p", "4k", ""].map((resolution) => of(dearest, resolution))).toEqual(
      [0.1, 0.15, 0.15, 0.15].map(usd),
    );
    expect(["720p", "1080p", ""].map((resolution) => of(said, resolution))).toEqual([0.1, 0.12, 0.12].map(usd));
  });

  test("under conditions hold where all of these do", () => {
    const prices =
      strategyOf(`prices: { input: "1.25", cached_input: "0.125", output: "10", image: { "1024x1024": "0.04" } },
      when: [
        { above_input: 200000, input: "2.50", output: "15" },
        { service_tier: flex, input: "0.60" },
        { service_tier: flex, above_input: 200000, input: "1.20" },
        { size: "1024x1024", quality: high, image: "0.167" } ]`)?.prices as ListPrices;
    const of = (unit: Unit, inputTokens: bigint, traits = {}) =>
      Number(rateOf(withRatio(prices), unit, inputTokens, traits)) / 1e9;
    expect([of(Unit.INPUT_TOKENS, 200_000n), of(Unit.INPUT_TOKENS, 200_001n)]).toEqual([1.25, 2.5]);
    expect([of(Unit.REASONING_TOKENS, 200_000n), of(Unit.REASONING_TOKENS, 200_001n)]).toEqual([10, 15]);
    expect([of(Unit.CACHED_INPUT_TOKENS, 200_001n), of(Unit.CACHE_WRITE_1H_TOKENS, 200_001n)]).toEqual([0.125, 2.5]);
    const flex = { service_tier: "flex" };
    expect([of(Unit.INPUT_TOKENS, 1n, flex), of(Unit.INPUT_AUDIO_TOKENS, 200_001n, flex)]).toEqual([0.6, 1.2]);
    expect(of(Unit.IMAGES, 0n, { size: "1024x1024", quality: "high" })).toBe(0.167);
    expect(of(Unit.IMAGES, 0n, { size: "1024x1024", quality: "low" })).toBe(0.04);
  });

  test("by the hour are the parts of a day", () => {
    const strategy = strategyOf('prices: { input: "2" }, when: [{ utc: "16:30-00:30", input: "1" }]');
    expect(strategy?.byHour?.map(({ fromS, prices }) => [fromS / 60, prices.inputNanoUsdPerMtok])).toEqual([
      [0, usd(1)],
      [30, usd(2)],
      [990, usd(1)],
    ]);
  });

  test("by what the vendor says are a share of a dollar", () => {
    const prices = strategyOf('prices: { input: "1", output: "2", vendor_cost: "1.05" }')?.prices;
    expect(prices?.rates).toEqual([{ unit: Unit.VENDOR_NANO_USD, nanoUsd: 1_050_000_000n }]);
  });
});
