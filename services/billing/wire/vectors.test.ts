import { create } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import { ThroughlineError } from "../../../shared/errors/error.ts";
import { PricingSchema, Unit, UsageSchema } from "../../../shared/gen/throughline/common/v1/common_pb.ts";
import type { Rate } from "../../../shared/money/prices.ts";
import { partUnits, traits, units } from "../../../shared/units.ts";
import { checkedPricing, checkedUsage, toTariff } from "./values.ts";

/** What is refused, and for which field; undefined: nothing. */
function refused(check: () => unknown): { code: string; param: string | undefined } | undefined {
  try {
    check();
    return undefined;
  } catch (error) {
    const { code, param } = ThroughlineError.from(error);
    return { code, param };
  }
}
const invalid = (param: string) => ({ code: "invalid_value", param });
const most = 10n ** 15n;
const further = units.filter(({ unit, part }) => part === undefined && unit !== Unit.REQUESTS);

describe("a usage", () => {
  const one = { unit: Unit.SEARCHES, amount: 1n };
  const check = (more: { unit: Unit; amount: bigint }[], known: Record<string, string> = {}) =>
    refused(() => checkedUsage(create(UsageSchema, { more, traits: known }), "usage"));

  test("may have every further unit, once and up to 10^15, and every trait", () => {
    const known = Object.fromEntries(traits.map((name) => [name, "x".repeat(64)]));
    expect(
      check(
        further.map(({ unit }) => ({ unit, amount: most })),
        known,
      ),
    ).toBeUndefined();
  });

  test.each([
    ["no unit", [one, { unit: Unit.UNSPECIFIED, amount: 1n }], "usage.more[1].unit"],
    ["a number that is no unit", [{ unit: 999 as Unit, amount: 1n }], "usage.more[0].unit"],
    ["the request itself", [{ unit: Unit.REQUESTS, amount: 1n }], "usage.more[0].unit"],
    ["a unit twice", [one, { unit: Unit.PAGES, amount: 1n }, one], "usage.more[2].unit"],
    ["none of a unit", [{ ...one, amount: 0n }], "usage.more[0].amount"],
    ["more than 10^15", [one, { unit: Unit.PAGES, amount: most + 1n }], "usage.more[1].amount"],
    ...partUnits.map(
      ({ unit, name }) => [`${name}, which has a field`, [{ unit, amount: 1n }], "usage.more[0].unit"] as const,
    ),
  ] as const)("is refused with %s", (_case, more, param) => {
    expect(check([...more])).toEqual(invalid(param));
  });

  test.each([
    [{ colour: "red" }, "usage.traits.*"],
    [{ size: "a", constructor: "x" }, "usage.traits.*"],
    [{ size: "x".repeat(65) }, "usage.traits.size"],
    [{ quality: "a\0" }, "usage.traits.quality"],
    [{ quality: "\ud800" }, "usage.traits.quality"],
  ])("is refused with the traits %j", (known, param) => {
    expect(check([], known as Record<string, string>)).toEqual(invalid(param));
  });
});

describe("prices", () => {
  const one = { unit: Unit.INPUT_TOKENS, nanoUsd: 1n };
  const when = { aboveInputTokens: 0n, traits: {} };
  const check = (rates: Rate[]) => refused(() => checkedPricing(create(PricingSchema, { rates })));

  test("may have as many rates as a list may be written with, of every unit", () => {
    const all = units.map(({ unit }) => ({ unit, nanoUsd: most, when: { aboveInputTokens: most, traits: {} } }));
    expect(check(Array.from({ length: 256 }, (_, i) => all[i % all.length] ?? one))).toBeUndefined();
  });

  test.each<[string, Rate[], string]>([
    ["one more", Array.from({ length: 257 }, () => one), "pricing.rates"],
    ["no unit", [one, { ...one, unit: Unit.UNSPECIFIED }], "pricing.rates[1].unit"],
    ["a number that is no unit", [{ ...one, unit: 999 as Unit }], "pricing.rates[0].unit"],
    ["a price below 0", [{ ...one, nanoUsd: -1n }], "pricing.rates[0].nano_usd"],
    ["a price above 10^15", [{ ...one, nanoUsd: most + 1n }], "pricing.rates[0].nano_usd"],
    [
      "an input above 10^15",
      [{ ...one, when: { ...when, aboveInputTokens: most + 1n } }],
      "pricing.rates[0].when.above_input_tokens",
    ],
    [
      "a trait that there is not",
      [{ ...one, when: { ...when, traits: { hour: "1" } } }],
      "pricing.rates[0].when.traits.*",
    ],
    [
      "a long trait",
      [one, { ...one, when: { ...when, traits: { size: "x".repeat(65) } } }],
      "pricing.rates[1].when.traits.size",
    ],
  ])("are refused with %s", (_case, rates, param) => {
    expect(check(rates)).toEqual(invalid(param));
  });
});

describe("a tariff", () => {
  const work = { module: "chat", model: "m", dialect: "d", group: "g", channel: "c", platform: "p" };
  const names = Object.keys(work) as (keyof typeof work)[];

  test("of prices that cannot change is one for the same work, and another for work that differs in anything", () => {
    const pricing = Object.freeze(create(PricingSchema, { strategy: "s", inputNanoUsdPerMtok: 7n }));
    const tariff = toTariff(pricing, work);
    expect(tariff).toMatchObject({ ...work, strategy: "s", inputNanoUsdPerMtok: 7n });
    expect(toTariff(pricing, { ...work })).toBe(tariff);
    for (const name of names) expect(toTariff(pricing, { ...work, [name]: "other" })[name]).toBe("other");
    const dearer = Object.freeze(create(PricingSchema, { strategy: "s", inputNanoUsdPerMtok: 8n }));
    expect(toTariff(dearer, work).inputNanoUsdPerMtok).toBe(8n);
  });

  test("of prices that may change has those of now", () => {
    const pricing = create(PricingSchema, { inputNanoUsdPerMtok: 7n });
    expect(toTariff(pricing, work).inputNanoUsdPerMtok).toBe(7n);
    pricing.inputNanoUsdPerMtok = 8n;
    expect(toTariff(pricing, work).inputNanoUsdPerMtok).toBe(8n);
  });
});
