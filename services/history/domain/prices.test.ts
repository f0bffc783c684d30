import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Rate } from "../../../shared/money/prices.ts";
import type { Quantity } from "../../../shared/money/usage.ts";
import { traits, units } from "../../../shared/units.ts";
import { fromStoredPrices, type PricingLike, pricesText, toStoredPrices } from "./prices.ts";
import { fromStoredQuantities, toStoredQuantities, toStoredTraits } from "./quantities.ts";

const money = fc.bigInt({ min: -(1n << 63n), max: (1n << 63n) - 1n });
/** Also one that a newer program knows. */
const unit = fc.constantFrom(...units.map((entry) => entry.unit), 9_999 as (typeof units)[number]["unit"]);
const condition = fc
  .record({
    aboveInputTokens: fc.bigInt({ min: 0n, max: 1n << 60n }),
    traits: fc.dictionary(fc.constantFrom(...traits), fc.string(), { noNullPrototype: true }),
  })
  .filter((when) => when.aboveInputTokens > 0n || Object.keys(when.traits).length > 0);
const rates: fc.Arbitrary<Rate[]> = fc.array(
  fc.record({ unit, nanoUsd: money, when: fc.option(condition, { nil: undefined }) }),
  { maxLength: 8 },
);
const pricing: fc.Arbitrary<PricingLike> = fc.record({
  strategy: fc.string(),
  inputNanoUsdPerMtok: money,
  cachedInputNanoUsdPerMtok: money,
  cacheWriteNanoUsdPerMtok: money,
  outputNanoUsdPerMtok: money,
  reasoningNanoUsdPerMtok: money,
  imageNanoUsd: money,
  audioSecondNanoUsd: money,
  characterNanoUsdPerMchar: money,
  requestNanoUsd: money,
  groupRatioPpm: fc.nat(),
  source: fc.nat(3),
  rates,
});
const asIs = (text: string): string => text;
const throughJson = <T>(value: T): T => JSON.parse(JSON.stringify(value)) as T;
const inOneOrder = (list: readonly Rate[] = []): string[] =>
  list.map((rate) => JSON.stringify(rate, (_, value) => (typeof value === "bigint" ? value.toString() : value))).sort();

describe("a stored price list", () => {
  test("comes back as it was: spelled out, rates, conditions", () => {
    fc.assert(
      fc.property(pricing, (given) => {
        const { rates: read, ...rest } = fromStoredPrices(throughJson(toStoredPrices(given, asIs))) ?? {};
        const { rates: sent, ...spelledOut } = given;
        expect(rest).toEqual(spelledOut);
        expect(inOneOrder(read).map(sortedTraits)).toEqual(inOneOrder(sent).map(sortedTraits).sort());
      }),
    );
    expect(fromStoredPrices(toStoredPrices(undefined, asIs))).toBeUndefined();
  });

  test("has one text, whatever the order of its rates and of their traits", () => {
    fc.assert(
      fc.property(pricing, (given) => {
        const turned = (given.rates ?? []).toReversed().map(({ when, ...rate }) => ({
          ...rate,
          when: when && { ...when, traits: Object.fromEntries(Object.entries(when.traits).reverse()) },
        }));
        expect(JSON.stringify(toStoredPrices({ ...given, rates: turned }, asIs))).toBe(
          JSON.stringify(toStoredPrices(given, asIs)),
        );
      }),
    );
  });
});

/** The traits of a rate come back in the order of their names. */
function sortedTraits(text: string): string {
  const rate = JSON.parse(text) as { when?: { traits: Record<string, string> } };
  if (rate.when) rate.when.traits = Object.fromEntries(Object.entries(rate.when.traits).sort());
  return JSON.stringify(rate);
}

describe("stored quantities", () => {
  test("come back as they were, in the order of the units; beyond what the contract allows they are cut and marked", () => {
    const quantities: fc.Arbitrary<Quantity[]> = fc.uniqueArray(
      fc.record({ unit, amount: fc.bigInt({ min: 1n, max: (1n << 64n) - 1n }) }),
      { selector: (quantity) => quantity.unit },
    );
    fc.assert(
      fc.property(quantities, (more) => {
        const repairs = { repaired: false };
        const most = 10n ** 15n;
        const stored = throughJson(toStoredQuantities(more, repairs));
        const kept = more.map((one) => ({ ...one, amount: one.amount > most ? most : one.amount }));
        expect(fromStoredQuantities(stored)).toEqual(kept.toSorted((a, b) => a.unit - b.unit));
        expect(repairs.repaired).toBe(more.some(({ amount }) => amount > most));
        expect(stored === null).toBe(more.length === 0);
      }),
    );
  });

  test("and traits cost chat nothing, and hold no more of a client's text than names do", () => {
    expect(toStoredTraits({}, { repaired: false })).toBeNull();
    const repairs = { repaired: false };
    const stored = toStoredTraits({ size: "\0", quality: "x".repeat(10_000) }, repairs);
    expect(stored).toEqual({ size: "\ufffd", quality: "x".repeat(200) });
    expect(repairs.repaired).toBe(true);
    const many = Object.fromEntries(Array.from({ length: 1_000 }, (_, n) => [`t${n}`, "x"]));
    expect(Object.keys(toStoredTraits(many, repairs) ?? {})).toHaveLength(32);
  });
});

const zeroPrices = {
  ...{ inputNanoUsdPerMtok: 0n, cachedInputNanoUsdPerMtok: 0n, cacheWriteNanoUsdPerMtok: 0n },
  ...{ outputNanoUsdPerMtok: 0n, reasoningNanoUsdPerMtok: 0n, imageNanoUsd: 0n, audioSecondNanoUsd: 0n },
  ...{ characterNanoUsdPerMchar: 0n, requestNanoUsd: 0n },
};

test("the text of a list that cannot change is that of any", () => {
  const list = Object.freeze({
    ...{ ...zeroPrices, strategy: "s", source: 1, groupRatioPpm: 1_000_000 },
    ...{ inputNanoUsdPerMtok: 1n, outputNanoUsdPerMtok: 2n },
  });
  const json = JSON.stringify(toStoredPrices(list, (text) => text));
  expect(pricesText(list)).toEqual({ json, repaired: false });
  expect(pricesText({ ...list })).toEqual({ json, repaired: false });
});

test.each([false, true])("a name that cannot be stored is repaired each time, frozen or not: %s", (frozen) => {
  const list = { ...zeroPrices, strategy: "a\0b", source: 1, groupRatioPpm: 1 };
  if (frozen) Object.freeze(list);
  for (let time = 0; time < 2; time += 1) {
    expect(pricesText(list)).toMatchObject({ json: expect.stringContaining("a\ufffdb"), repaired: true });
  }
});
