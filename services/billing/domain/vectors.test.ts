import fc from "fast-check";
import { expect, test } from "vitest";
import { Unit } from "../../../shared/gen/throughline/common/v1/common_pb.ts";
import type { Rate } from "../../../shared/money/prices.ts";
import { noUsage } from "../../../shared/money/usage.ts";
import { traits, units } from "../../../shared/units.ts";
import { type Tariff, tariffKey } from "./tariff.ts";
import { quantitiesText, ratesText, tokensOf, toQuantities, toRates } from "./vectors.ts";

const amount = fc.bigInt({ min: 1n, max: 10n ** 15n });
const anyUnit = fc.constantFrom(...units.map(({ unit }) => unit));
const anyTraits = fc.dictionary(fc.constantFrom(...traits), fc.string({ maxLength: 8 }), { noNullPrototype: true });
const anyCondition = fc.oneof(
  fc.record({ aboveInputTokens: amount, traits: anyTraits }),
  fc.record({
    aboveInputTokens: fc.constant(0n),
    traits: anyTraits.filter((one) => Object.keys(one).length > 0),
  }),
  fc.constant(undefined),
);
const anyRates: fc.Arbitrary<Rate[]> = fc.array(fc.record({ unit: anyUnit, nanoUsd: amount, when: anyCondition }), {
  maxLength: 12,
});

const byText = (rates: readonly Rate[]) => rates.map((rate) => ratesText([rate])).sort();

test("the same rates are one text in whatever order they and their traits come, and others are another", () => {
  const reversed = ({ when, ...rate }: Rate): Rate => ({
    ...rate,
    when: when && { ...when, traits: Object.fromEntries(Object.entries(when.traits).reverse()) },
  });
  const shuffled = anyRates.chain((rates) =>
    fc.tuple(fc.constant(rates), fc.shuffledSubarray(rates, { minLength: rates.length })),
  );
  const tariff = { module: "chat", requestNanoUsd: 0n, groupRatioPpm: 1 } as Tariff;
  fc.assert(
    fc.property(shuffled, anyRates, ([rates, others], different) => {
      expect(ratesText(others.map(reversed))).toBe(ratesText(rates));
      expect(tariffKey({ ...tariff, rates: others })).toBe(tariffKey({ ...tariff, rates }));
      const same = byText(rates).join() === byText(different).join();
      expect(tariffKey({ ...tariff, rates: different }) === tariffKey({ ...tariff, rates })).toBe(same);
    }),
  );
});

test("no rates are none, and leave a tariff's key as it is", () => {
  const tariff = { module: "chat", requestNanoUsd: 0n, groupRatioPpm: 1 } as Tariff;
  expect(ratesText([])).toBeUndefined();
  expect(tariffKey({ ...tariff, rates: [] })).toBe(tariffKey(tariff));
});

test("rates and quantities are read as they were stored", () => {
  const more = fc.uniqueArray(fc.record({ unit: anyUnit, amount }), { selector: ({ unit }) => unit });
  fc.assert(
    fc.property(anyRates, more, (rates, quantities) => {
      const stored = JSON.parse(ratesText(rates) ?? "[]");
      expect(byText(toRates(stored))).toEqual(byText(rates));
      const sorted = quantities.toSorted((a, b) => a.unit - b.unit);
      expect(toQuantities(JSON.parse(quantitiesText(quantities) ?? "{}"))).toEqual(sorted);
    }),
  );
});

test("what only a newer program knows is left out", () => {
  expect(toRates([{ unit: "dreams", nano_usd: 1 }])).toEqual([]);
  expect(toQuantities({ dreams: 1, pages: 2 })).toEqual([{ unit: Unit.PAGES, amount: 2n }]);
});

test("the limit of tokens counts tokens of every kind, and nothing else", () => {
  const more = [
    { unit: Unit.OUTPUT_IMAGE_TOKENS, amount: 5n },
    { unit: Unit.PAGES, amount: 7n },
  ];
  expect(tokensOf({ ...noUsage, inputTokens: 1n, reasoningTokens: 2n, images: 9n, more })).toBe(8n);
});
