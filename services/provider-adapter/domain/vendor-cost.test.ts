import fc from "fast-check";
import { expect, test } from "vitest";
import { vendorCostOf } from "./vendor-cost.ts";

test.each<[unknown, number | undefined]>([
  [0.00014, 140_000],
  [0.1, 100_000_000],
  [0.30000000000000004, 300_000_001],
  [1e-9, 1],
  [1e-10, 1],
  [1.5e-7, 150],
  [0, 0],
  [19, 19_000_000_000],
  [1_000_000, 10 ** 15],
  [1_000_001, undefined],
  ["0.00001234567890123", 12_346],
  ["2E-3", 2_000_000],
  [-0.1, undefined],
  [Number.NaN, undefined],
  [1e300, undefined],
  [5e-324, undefined],
  ["", undefined],
  ["0x10", undefined],
  ["1,5", undefined],
  ["9".repeat(1_000), undefined],
  [null, undefined],
  [true, undefined],
  [{ total_cost: 1 }, undefined],
  [[0.5], undefined],
])("a cost of %j", (cost, expected) => {
  expect(vendorCostOf({ cost })).toBe(expected);
});

test("any number of decimals is charged exactly, rounded up, never below", () => {
  fc.assert(
    fc.property(fc.nat(99), fc.bigInt({ min: 0n, max: 10n ** 12n - 1n }), (dollars, fraction) => {
      const exact = BigInt(dollars) * 10n ** 12n + fraction;
      const text = `${dollars}.${fraction.toString().padStart(12, "0")}`;
      const nano = vendorCostOf({ cost: Number(text) });
      expect(nano).toBe(Number((exact + 999n) / 1_000n));
      expect(vendorCostOf({ cost: text })).toBe(nano);
    }),
  );
});

test("xAI counts in ticks; with a key of one's own OpenRouter's fee is beside the provider's cost", () => {
  expect(vendorCostOf({ cost_in_usd_ticks: 37_756_000 })).toBe(3_775_600);
  expect(vendorCostOf({ cost_in_usd_ticks: 1, cost: 5 })).toBe(1);
  expect(vendorCostOf({ cost: 0.001, is_byok: true, cost_details: { upstream_inference_cost: 0.02 } })).toBe(
    21_000_000,
  );
  expect(vendorCostOf({ cost: 0.02, is_byok: false, cost_details: { upstream_inference_cost: 0.02 } })).toBe(
    20_000_000,
  );
  expect(vendorCostOf({ cost: 0.02, is_byok: true, cost_details: null })).toBe(20_000_000);
  expect(vendorCostOf({})).toBeUndefined();
  // More than a quantity may be would never be settled.
  const absurd = { cost: 600_000, is_byok: true, cost_details: { upstream_inference_cost: 600_000 } };
  expect(vendorCostOf(absurd)).toBeUndefined();
});
