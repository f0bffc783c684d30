import { create } from "@bufbuild/protobuf";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { PricingSchema, UsageSchema } from "./gen/throughline/common/v1/common_pb.ts";
import { type BillableUsage, costNanoUsd, formatUsd, type Prices, parseUsd } from "./money.ts";

const noUsage: BillableUsage = create(UsageSchema);
const noPrices: Prices = create(PricingSchema, { groupRatioPpm: 1_000_000 });
const amount = fc.bigInt({ min: 0n, max: 2n ** 40n });
const anyUsage: fc.Arbitrary<BillableUsage> = fc.record({
  inputTokens: amount,
  cachedInputTokens: amount,
  cacheWriteTokens: amount,
  outputTokens: amount,
  reasoningTokens: amount,
  images: amount,
  audioMs: amount,
  characters: amount,
});
const anyPrices: fc.Arbitrary<Prices> = fc.record({
  inputNanoUsdPerMtok: amount,
  cachedInputNanoUsdPerMtok: amount,
  cacheWriteNanoUsdPerMtok: amount,
  outputNanoUsdPerMtok: amount,
  reasoningNanoUsdPerMtok: amount,
  imageNanoUsd: amount,
  audioSecondNanoUsd: amount,
  characterNanoUsdPerMchar: amount,
  requestNanoUsd: amount,
  groupRatioPpm: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
});

describe("costNanoUsd", () => {
  test("of a real request: 1,000 in at $2.50, 500 cached at $1.25, 200 out at $10 per million", () => {
    const usage = { ...noUsage, inputTokens: 1_000n, cachedInputTokens: 500n, outputTokens: 200n };
    const prices = {
      ...noPrices,
      inputNanoUsdPerMtok: 2_500_000_000n,
      cachedInputNanoUsdPerMtok: 1_250_000_000n,
      outputNanoUsdPerMtok: 10_000_000_000n,
    };
    expect(formatUsd(costNanoUsd(usage, prices))).toBe("0.005125");
    expect(formatUsd(costNanoUsd(usage, { ...prices, groupRatioPpm: 800_000 }))).toBe("0.0041");
  });

  test.each([
    ["inputTokens", 1_000_000n, "inputNanoUsdPerMtok"],
    ["cachedInputTokens", 1_000_000n, "cachedInputNanoUsdPerMtok"],
    ["cacheWriteTokens", 1_000_000n, "cacheWriteNanoUsdPerMtok"],
    ["outputTokens", 1_000_000n, "outputNanoUsdPerMtok"],
    ["reasoningTokens", 1_000_000n, "reasoningNanoUsdPerMtok"],
    ["images", 1n, "imageNanoUsd"],
    ["audioMs", 1_000n, "audioSecondNanoUsd"],
    ["characters", 1_000_000n, "characterNanoUsdPerMchar"],
  ] as const)("%s: %d of them cost one %s", (part, unit, price) => {
    const cost = (count: bigint) => costNanoUsd({ ...noUsage, [part]: count }, { ...noPrices, [price]: 7n });
    expect(cost(unit)).toBe(7n);
    expect(cost(unit * 3n)).toBe(21n);
    expect(cost(0n)).toBe(0n);
  });

  test("charges a request without usage its price per request", () => {
    expect(costNanoUsd(noUsage, { ...noPrices, requestNanoUsd: 42n })).toBe(42n);
  });

  test("rounds up once, over all parts and the ratio together", () => {
    const usage = { ...noUsage, inputTokens: 1n, outputTokens: 1n };
    const prices = { ...noPrices, inputNanoUsdPerMtok: 500_000n, outputNanoUsdPerMtok: 500_000n };
    expect(costNanoUsd(usage, prices)).toBe(1n);
    expect(costNanoUsd({ ...usage, inputTokens: 2n }, prices)).toBe(2n);
    expect(costNanoUsd(usage, { ...prices, groupRatioPpm: 1 })).toBe(1n);
    expect(costNanoUsd(usage, { ...prices, groupRatioPpm: 0 })).toBe(0n);
  });

  test("is the exact price or less than a nano-dollar above it", () => {
    fc.assert(
      fc.property(anyUsage, anyPrices, (u, p) => {
        // The exact price in units of 10^-12 nano-USD.
        const exact =
          BigInt(p.groupRatioPpm) *
          (u.inputTokens * p.inputNanoUsdPerMtok +
            u.cachedInputTokens * p.cachedInputNanoUsdPerMtok +
            u.cacheWriteTokens * p.cacheWriteNanoUsdPerMtok +
            u.outputTokens * p.outputNanoUsdPerMtok +
            u.reasoningTokens * p.reasoningNanoUsdPerMtok +
            u.characters * p.characterNanoUsdPerMchar +
            u.audioMs * p.audioSecondNanoUsd * 1_000n +
            (u.images * p.imageNanoUsd + p.requestNanoUsd) * 1_000_000n);
        const over = costNanoUsd(u, p) * 10n ** 12n - exact;
        expect(over >= 0n && over < 10n ** 12n).toBe(true);
      }),
    );
  });

  test("never falls when the usage grows", () => {
    fc.assert(
      fc.property(
        anyUsage,
        anyPrices,
        fc.constantFrom(...(Object.keys(partNames) as (keyof BillableUsage)[])),
        amount,
        (u, p, part, more) => {
          expect(costNanoUsd({ ...u, [part]: u[part] + more }, p)).toBeGreaterThanOrEqual(costNanoUsd(u, p));
        },
      ),
    );
  });
});

const partNames: Record<keyof BillableUsage, true> = {
  inputTokens: true,
  cachedInputTokens: true,
  cacheWriteTokens: true,
  outputTokens: true,
  reasoningTokens: true,
  images: true,
  audioMs: true,
  characters: true,
};

describe("dollars", () => {
  test.each([
    [0n, "0"],
    [1n, "0.000000001"],
    [1_234_567_890n, "1.23456789"],
    [-5n, "-0.000000005"],
    [-1_500_000_000n, "-1.5"],
    [10_000_000_000_000_000_000n, "10000000000"],
  ])("%d nano-USD are %s", (nano, text) => {
    expect(formatUsd(nano)).toBe(text);
    expect(parseUsd(text)).toBe(nano);
  });

  test("round-trip", () => {
    fc.assert(fc.property(fc.bigInt(), (nano) => parseUsd(formatUsd(nano)) === nano));
  });

  test("accept needless zeros", () => {
    expect(parseUsd("1.500000000")).toBe(1_500_000_000n);
    expect(parseUsd("007")).toBe(7_000_000_000n);
  });

  test.each(["", " 1", "1 ", "$1", "1.", ".5", "+1", "--1", "1,5", "1e3", "0.0000000001", "NaN", "1\n"])(
    "%j is no amount",
    (text) => {
      expect(() => parseUsd(text)).toThrow(RangeError);
    },
  );
});
