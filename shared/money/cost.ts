import { Unit } from "../gen/throughline/common/v1/common_pb.ts";
import { unitEntry } from "../units.ts";
import { dearestRateOf, hasRate, type Prices, rateOf } from "./prices.ts";
import { type BillableUsage, inputTokensOf, type Quantity, quantitiesOf } from "./usage.ts";

const million = 1_000_000n;
const billion = 1_000_000_000n;

/**
 * What a usage costs at these prices, in nano-USD: all parts summed exactly, times the group's ratio, rounded up once.
 * So a request is never charged less than its price, nor more than a nano-dollar above it. Where the upstream says its own
 * cost, and the prices have a rate for that, it takes the place of all other units but the request.
 *
 * Billing's SQL reckons the same (services/billing/db); a property holds them together.
 */
export function costNanoUsd(usage: BillableUsage, prices: Prices): bigint {
  return charged(isPlain(usage, prices) ? plainCost(usage, prices) : vectorCost(usage, prices), prices);
}

/**
 * The most that a request may cost which consumes at most this much of every unit: an input of whatever length up to the
 * worst case's, and traits that the request leaves open, are taken as they would cost most, unit by unit.
 *
 * @param known the traits that are certain.
 */
export function dearestCostNanoUsd(
  worst: BillableUsage,
  prices: Prices,
  known: Readonly<Record<string, string>> = worst.traits ?? {},
): bigint {
  return charged(isPlain(worst, prices) ? plainCost(worst, prices) : dearestVectorCost(worst, prices, known), prices);
}

/**
 * Whether no rate has a say: most price lists have some, of audio or of long inputs, and most usages none of their units. A
 * part of a usage has a price that is spelled out, so no other unit's rate is ever its own.
 */
function isPlain(usage: BillableUsage, { rates }: Prices): boolean {
  if (usage.more !== undefined && usage.more.length > 0) return false;
  if (rates === undefined) return true;
  for (const { unit } of rates) {
    const { part } = unitEntry(unit);
    if (part === undefined ? unit === Unit.REQUESTS : usage[part] !== 0n) return false;
  }
  return true;
}

function charged(inBillionths: bigint, { groupRatioPpm }: Prices): bigint {
  return ceilDivide(inBillionths * BigInt(groupRatioPpm), million * billion);
}

/** In 10^-9 of a nano-USD, before the ratio: the usual case, without a list to walk. */
function plainCost(usage: BillableUsage, prices: Prices): bigint {
  const perMillion =
    usage.inputTokens * prices.inputNanoUsdPerMtok +
    usage.cachedInputTokens * prices.cachedInputNanoUsdPerMtok +
    usage.cacheWriteTokens * prices.cacheWriteNanoUsdPerMtok +
    usage.outputTokens * prices.outputNanoUsdPerMtok +
    usage.reasoningTokens * prices.reasoningNanoUsdPerMtok +
    usage.characters * prices.characterNanoUsdPerMchar;
  const perThousand = usage.audioMs * prices.audioSecondNanoUsd;
  const whole = usage.images * prices.imageNanoUsd + prices.requestNanoUsd;
  return perMillion * 1_000n + perThousand * million + whole * billion;
}

/** As `plainCost`, of whatever units under whatever conditions. */
function vectorCost(usage: BillableUsage, prices: Prices): bigint {
  const quantities = quantitiesOf(usage);
  const vendor = quantities.find(({ unit }) => unit === Unit.VENDOR_NANO_USD);
  const priced = vendor !== undefined && hasRate(prices, vendor.unit) ? [vendor] : quantities;
  const inputTokens = inputTokensOf(usage);
  return sumOf([...priced, oneRequest], (unit) => rateOf(prices, unit, inputTokens, usage.traits ?? {}));
}

/** As `vectorCost`, by the dearest rate that could hold. A vendor's own cost is known after the answer alone. */
function dearestVectorCost(worst: BillableUsage, prices: Prices, known: Readonly<Record<string, string>>): bigint {
  const most = inputTokensOf(worst);
  return sumOf([...quantitiesOf(worst), oneRequest], (unit) => dearestRateOf(prices, unit, most, known));
}

const oneRequest: Quantity = { unit: Unit.REQUESTS, amount: 1n };

/** In 10^-9 of a nano-USD, before the ratio. */
function sumOf(quantities: readonly Quantity[], priceOf: (unit: Unit) => bigint): bigint {
  let sum = 0n;
  for (const { unit, amount } of quantities) sum += amount * priceOf(unit) * (billion / unitEntry(unit).divisor);
  return sum;
}

/** What one unit of a usage costs. */
export interface CostLine extends Quantity {
  /** Price that held, in nano-USD for the unit's divisor. */
  readonly nanoUsd: bigint;
  /** Amount times price, in 10^-9 of a nano-USD, before the group's ratio: exact. */
  readonly billionths: bigint;
}

/**
 * What each unit of a usage costs, and the request itself where it has a price. Their sum, times the group's ratio and rounded up
 * once, is `costNanoUsd`.
 */
export function costLines(usage: BillableUsage, prices: Prices): CostLine[] {
  const quantities = quantitiesOf(usage);
  const vendor = quantities.find(({ unit }) => unit === Unit.VENDOR_NANO_USD);
  const byVendor = vendor !== undefined && hasRate(prices, vendor.unit);
  const inputTokens = inputTokensOf(usage);
  const lines = [...quantities, oneRequest].map(({ unit, amount }): CostLine => {
    const counts = !byVendor || unit === vendor?.unit || unit === Unit.REQUESTS;
    const nanoUsd = counts ? rateOf(prices, unit, inputTokens, usage.traits ?? {}) : 0n;
    return { unit, amount, nanoUsd, billionths: amount * nanoUsd * (billion / unitEntry(unit).divisor) };
  });
  return lines.filter(({ unit, nanoUsd }) => unit !== Unit.REQUESTS || nanoUsd !== 0n);
}

/** Quotient rounded up. No cost is negative. */
function ceilDivide(dividend: bigint, divisor: bigint): bigint {
  const quotient = dividend / divisor;
  return dividend % divisor === 0n ? quotient : quotient + 1n;
}
