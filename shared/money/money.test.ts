import { create } from "@bufbuild/protobuf";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { PricingSchema, Unit, UsageSchema } from "../gen/throughline/common/v1/common_pb.ts";
import { partUnits, traits, type UsagePart, unitEntry, units } from "../units.ts";
import { costLines, costNanoUsd, dearestCostNanoUsd } from "./cost.ts";
import { hasRate, type Prices, type Rate } from "./prices.ts";
import { type BillableUsage, inputTokensOf, quantitiesOf } from "./usage.ts";
import { formatBillionths, formatUsd, parseUsd } from "./usd.ts";

type Parts = Record<UsagePart, bigint>;
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

const anyCondition = fc.option(
  fc.record({
    aboveInputTokens: fc.constantFrom(0n, 10n, 1_000n, 2n ** 40n),
    traits: fc.dictionary(fc.constantFrom(...traits), fc.constantFrom("a", "b"), { maxKeys: 2, noNullPrototype: true }),
  }),
  { nil: undefined },
);
/** Few units, so that several rates meet. */
const fewUnits = [Unit.INPUT_TOKENS, Unit.OUTPUT_TOKENS, Unit.REQUESTS, Unit.IMAGES, Unit.VENDOR_NANO_USD];
const anyUnit = fc.oneof(fc.constantFrom(...fewUnits), fc.constantFrom(...units.map((entry) => entry.unit)));
const anyRates = fc.array(fc.record({ unit: anyUnit, nanoUsd: amount, when: anyCondition }), { maxLength: 16 });
const anyMore = fc.uniqueArray(
  fc.record({ unit: fc.constantFrom(...units.filter((u) => !u.part && !u.price).map((u) => u.unit)), amount }),
  { selector: (one) => one.unit, maxLength: 8 },
);
const anyTraits = fc.dictionary(fc.constantFrom(...traits), fc.constantFrom("a", "b"), { noNullPrototype: true });
/** More conditions first, then the longer input, then the dearer. */
const weight = ({ when, nanoUsd }: Rate) => {
  const above = when?.aboveInputTokens ?? 0n;
  const conditions = Object.keys(when?.traits ?? {}).length + (above > 0n ? 1 : 0);
  return (BigInt(conditions) << 200n) + (above << 100n) + nanoUsd;
};

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

  test("is the sum of its lines, times the ratio, rounded up once, over all units, rates and conditions", () => {
    fc.assert(
      fc.property(anyUsage, anyMore, anyTraits, anyPrices, anyRates, (parts, more, known, plain, rates) => {
        const usage = { ...parts, more: more.filter(({ amount: some }) => some > 0n), traits: known };
        const prices = { ...plain, rates };
        const lines = costLines(usage, prices);
        const sum = lines.reduce((total, { billionths }) => total + billionths, 0n);
        const parted = sum * BigInt(prices.groupRatioPpm);
        const whole = 10n ** 15n;
        expect((parted + whole - 1n) / whole).toBe(costNanoUsd(usage, prices));
        // Each line says by itself how it came about, and none of what was used is left out.
        for (const { unit, amount: some, nanoUsd, billionths } of lines) {
          expect(billionths * unitEntry(unit).divisor).toBe(some * nanoUsd * 10n ** 9n);
        }
        expect(lines.filter(({ unit }) => unit !== Unit.REQUESTS)).toMatchObject(quantitiesOf(usage));
      }),
    );
  });

  test("a sum of lines is written with all of its decimals", () => {
    expect(formatBillionths(0n)).toBe("0");
    expect(formatBillionths(1n)).toBe("0.000000000000000001");
    expect(formatBillionths(2_500_000_000n * 10n ** 9n)).toBe("2.5");
    expect(formatBillionths(10n ** 18n + 5n * 10n ** 8n)).toBe("1.0000000005");
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

  test("of a usage with lists is what each unit costs by the rate that holds for it", () => {
    fc.assert(
      fc.property(anyUsage, anyPrices, anyRates, anyMore, anyTraits, (parts, plain, given, list, known) => {
        const usage = { ...parts, more: list, traits: known };
        const prices = { ...plain, rates: given };
        const priceOf = (of: Unit): bigint => {
          const met = given.filter(
            ({ unit, when }) =>
              unit === of &&
              (when === undefined || when.aboveInputTokens === 0n || inputTokensOf(usage) > when.aboveInputTokens) &&
              Object.entries(when?.traits ?? {}).every(([name, value]) => known[name] === value),
          );
          const [best] = met.toSorted((a, b) => Number(weight(b) - weight(a)));
          const entry = unitEntry(of);
          if (best !== undefined) return best.nanoUsd;
          if (entry.price !== undefined) return plain[entry.price];
          return entry.parent === undefined ? 0n : priceOf(entry.parent);
        };
        const byVendor = hasRate(prices, Unit.VENDOR_NANO_USD) && list.some((one) => one.unit === Unit.VENDOR_NANO_USD);
        const charged = quantitiesOf(usage).filter((one) => !byVendor || one.unit === Unit.VENDOR_NANO_USD);
        const exact = [...charged, { unit: Unit.REQUESTS, amount: 1n }].reduce(
          (sum, one) => sum + (one.amount * priceOf(one.unit) * 10n ** 9n) / unitEntry(one.unit).divisor,
          0n,
        );
        const over = costNanoUsd(usage, prices) * 10n ** 15n - exact * BigInt(plain.groupRatioPpm);
        expect(over >= 0n && over < 10n ** 15n).toBe(true);
      }),
    );
  });

  test.each(units)(
    "follows a rate of $name alone where something of it was used, and of no other unit",
    ({ unit, part }) => {
      const one = 10n ** 9n;
      const parts = Object.fromEntries(partUnits.map((entry) => [entry.part, one])) as Parts;
      const usage = { ...noUsage, ...parts };
      const prices = { ...noPrices, rates: [{ unit, nanoUsd: 7n }] };
      const used = unit === Unit.REQUESTS ? 1n : part === undefined ? 0n : one;
      const expected = (used * 7n) / unitEntry(unit).divisor;
      expect(costNanoUsd(usage, prices)).toBe(expected);
      expect(dearestCostNanoUsd(usage, prices)).toBe(expected);
      const listed = { ...usage, more: [{ unit, amount: one }] };
      if (used === 0n) expect(costNanoUsd(listed, prices)).toBe((one * 7n) / unitEntry(unit).divisor);
    },
  );

  test("never falls when the usage grows", () => {
    fc.assert(
      fc.property(
        anyUsage,
        anyPrices,
        fc.constantFrom(...partUnits.map(({ part }) => part)),
        amount,
        (u, p, part, more) => {
          expect(costNanoUsd({ ...u, [part]: u[part] + more }, p)).toBeGreaterThanOrEqual(costNanoUsd(u, p));
        },
      ),
    );
  });
});

test("rates mean the same in whatever order they come", () => {
  const shuffled = anyRates.chain((rates) =>
    fc.tuple(fc.constant(rates), fc.shuffledSubarray(rates, { minLength: rates.length })),
  );
  fc.assert(
    fc.property(anyUsage, anyPrices, shuffled, anyMore, anyTraits, (parts, plain, [rates, others], more, known) => {
      const usage = { ...parts, more, traits: known };
      expect(costNanoUsd(usage, { ...plain, rates: others })).toBe(costNanoUsd(usage, { ...plain, rates }));
    }),
  );
});

describe("dearestCostNanoUsd", () => {
  const perImage = (nanoUsd: bigint, when: Record<string, string>): Rate => ({
    unit: Unit.IMAGES,
    nanoUsd,
    when: { aboveInputTokens: 0n, traits: when },
  });
  const sizes = { ...noPrices, rates: [perImage(2n, { size: "s" }), perImage(9n, { size: "l" })] };
  const images = { ...noUsage, images: 3n };
  const long = { unit: Unit.INPUT_TOKENS, nanoUsd: 20n, when: { aboveInputTokens: 100n, traits: {} } };
  const byLength = { ...noPrices, inputNanoUsdPerMtok: 10n, rates: [long] };
  const ofInput = (inputTokens: bigint) => ({ ...noUsage, inputTokens });

  test.each([
    ["a size that is not said is the dearest", images, sizes, {}, 27n],
    ["a size that is said is that one", images, sizes, { size: "s" }, 6n],
    ["a size that has no rate costs what is spelled out", images, { ...sizes, imageNanoUsd: 4n }, { size: "m" }, 12n],
    ["a tier that is sure puts the usual price aside", images, { ...sizes, imageNanoUsd: 40n }, { size: "s" }, 6n],
    ["an input that may be long is", ofInput(1_000_000n), byLength, {}, 20n],
    ["an input that cannot be long is not", ofInput(100n), { ...byLength, inputNanoUsdPerMtok: 10_000n }, {}, 1n],
    [
      "long inputs that cost less may turn out short",
      ofInput(1_000_000n),
      { ...byLength, inputNanoUsdPerMtok: 90n },
      {},
      90n,
    ],
  ])("%s", (_case, worst, prices, known, cost) => {
    expect(dearestCostNanoUsd(worst, prices, known)).toBe(cost);
    expect(dearestCostNanoUsd({ ...worst, traits: known }, prices)).toBe(cost);
  });

  test("is what a usage costs where nothing is left open", () => {
    fc.assert(fc.property(anyUsage, anyPrices, (u, p) => dearestCostNanoUsd(u, p) === costNanoUsd(u, p)));
  });

  test("is never below the cost of a usage within the worst case, whatever traits it turns out to have", () => {
    const share = fc.array(fc.constantFrom(0n, 1n, 500n, 999n, 1_000n), { minLength: 16, maxLength: 16 });
    const less = (of: bigint, thousandths: bigint | undefined) => (of * (thousandths ?? 0n)) / 1_000n;
    fc.assert(
      fc.property(
        ...([anyUsage, anyPrices, anyRates, anyMore, anyTraits, anyTraits, share] as const),
        (parts, plain, rates, more, known, open, shares) => {
          const prices = { ...plain, rates };
          const actual = {
            ...(Object.fromEntries(partUnits.map(({ part }, i) => [part, less(parts[part], shares[i])])) as Parts),
            more: more.map(({ unit, amount }, i) => ({ unit, amount: less(amount, shares[i + 8]) })),
            traits: { ...open, ...known },
          };
          const dearest = dearestCostNanoUsd({ ...parts, more, traits: known }, prices);
          expect(dearest).toBeGreaterThanOrEqual(costNanoUsd(actual, prices));
        },
      ),
      { numRuns: 1_000 },
    );
  });
});

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
