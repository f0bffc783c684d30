import { Unit } from "./gen/throughline/common/v1/common_pb.ts";
import { partUnits, unitEntry } from "./units.ts";

/** How much of a unit: as `common.v1.Quantity`. */
export interface Quantity {
  readonly unit: Unit;
  readonly amount: bigint;
}

/** One price of one unit: as `common.v1.Rate`. */
export interface Rate {
  readonly unit: Unit;
  /** Nano-USD for the unit's divisor. */
  readonly nanoUsd: bigint;
  /** Absent: it always holds. */
  readonly when?: Condition | undefined;
}

/** What must be so for a rate to hold: as `common.v1.Condition`. */
export interface Condition {
  /** The whole input has more tokens than this. 0: not said. */
  readonly aboveInputTokens: bigint;
  readonly traits: Record<string, string>;
}

/**
 * What a request consumed: the parts of `common.v1.Usage` that cost money, which that message satisfies. Parts do not
 * overlap (cached and cache-write tokens are not in inputTokens, reasoning tokens not in outputTokens). None is negative.
 */
export interface BillableUsage {
  /** Input tokens at the full price. */
  readonly inputTokens: bigint;
  /** Input tokens read from the upstream's cache. */
  readonly cachedInputTokens: bigint;
  /** Input tokens written to the upstream's cache. */
  readonly cacheWriteTokens: bigint;
  /** Visible output tokens. */
  readonly outputTokens: bigint;
  /** Reasoning tokens. */
  readonly reasoningTokens: bigint;
  /** Images generated. */
  readonly images: bigint;
  /** Milliseconds of audio. */
  readonly audioMs: bigint;
  /** Characters (speech, translation). */
  readonly characters: bigint;
  /** Further units, each at most once. */
  readonly more?: Quantity[];
  /** Facts that pick a price, by name (units.ts). */
  readonly traits?: Record<string, string>;
}

/** No consumption at all. */
export const noUsage: BillableUsage = {
  inputTokens: 0n,
  cachedInputTokens: 0n,
  cacheWriteTokens: 0n,
  outputTokens: 0n,
  reasoningTokens: 0n,
  images: 0n,
  audioMs: 0n,
  characters: 0n,
};

/** The prices of a strategy: the parts of `common.v1.Pricing` that cost is made of, which that message satisfies. */
export interface Prices {
  /** Nano-USD per million input tokens. */
  readonly inputNanoUsdPerMtok: bigint;
  /** Nano-USD per million cached input tokens. */
  readonly cachedInputNanoUsdPerMtok: bigint;
  /** Nano-USD per million cache-write tokens. */
  readonly cacheWriteNanoUsdPerMtok: bigint;
  /** Nano-USD per million output tokens. */
  readonly outputNanoUsdPerMtok: bigint;
  /** Nano-USD per million reasoning tokens. */
  readonly reasoningNanoUsdPerMtok: bigint;
  /** Nano-USD per image. */
  readonly imageNanoUsd: bigint;
  /** Nano-USD per second of audio. */
  readonly audioSecondNanoUsd: bigint;
  /** Nano-USD per million characters. */
  readonly characterNanoUsdPerMchar: bigint;
  /** Nano-USD per request. */
  readonly requestNanoUsd: bigint;
  /** Prices of further units, and of any unit under a condition. */
  readonly rates?: Rate[];
  /** The group's ratio in parts per million: 1,000,000 is the list price, 0 is free. */
  readonly groupRatioPpm: number;
}

/** Most rates of one price list: every settlement walks through them. */
export const maxRates = 256;
/** Highest price of a rate: a million dollars. Sums of them fit, they are exact as numbers of JSON, and more is surely a slip. */
export const maxRateNanoUsd = 1_000_000_000_000_000n;

/** Nano-USD in a dollar. */
export const nanoUsdPerUsd = 1_000_000_000n;

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

/** As `vectorCost`, by the dearest rate that could hold. A vendor's own cost may come or not. */
function dearestVectorCost(worst: BillableUsage, prices: Prices, known: Readonly<Record<string, string>>): bigint {
  const most = inputTokensOf(worst);
  const priceOf = (unit: Unit) => dearestRateOf(prices, unit, most, known);
  const quantities = quantitiesOf(worst);
  const vendor = quantities.filter(({ unit }) => unit === Unit.VENDOR_NANO_USD);
  const others = quantities.filter(({ unit }) => unit !== Unit.VENDOR_NANO_USD);
  const [byVendor, byUnits] = [sumOf(vendor, priceOf), sumOf(others, priceOf)];
  const request = sumOf([oneRequest], priceOf);
  if (byVendor > byUnits) return byVendor + request;
  return byUnits + request;
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

/** A sum of lines in dollars, exact, with up to 18 decimals. */
export function formatBillionths(billionths: bigint): string {
  const whole = billionths / billion;
  const rest = (billionths % billion).toString().padStart(9, "0").replace(/0+$/, "");
  if (rest === "") return formatUsd(whole);
  const [dollars = "0", fraction = ""] = formatUsd(whole).split(".");
  return `${dollars}.${fraction.padEnd(9, "0")}${rest}`;
}

/** What was consumed of every unit of which something was, the request itself left out, in the order of the units. */
export function quantitiesOf(usage: BillableUsage): Quantity[] {
  const parts = partUnits.map(({ unit, part }) => ({ unit, amount: usage[part] }));
  return [...parts.filter(({ amount }) => amount !== 0n), ...(usage.more ?? [])];
}

/** Tokens of the whole input, whatever kind and whether cached. */
export function inputTokensOf(usage: BillableUsage): bigint {
  let sum = usage.inputTokens + usage.cachedInputTokens + usage.cacheWriteTokens;
  for (const { unit, amount } of usage.more ?? []) if (unitEntry(unit).isInput) sum += amount;
  return sum;
}

/** Tokens of the whole output, whatever kind, reasoning among them. */
export function outputTokensOf(usage: BillableUsage): bigint {
  let sum = usage.outputTokens + usage.reasoningTokens;
  for (const { unit, amount } of usage.more ?? []) if (unitEntry(unit).isOutput) sum += amount;
  return sum;
}

/** True: the prices have a rate of this unit itself, under whatever condition. */
export function hasRate(prices: Prices, unit: Unit): boolean {
  return prices.rates?.some((rate) => rate.unit === unit) ?? false;
}

/**
 * The price that a unit has under these facts, in nano-USD for its divisor: of the rates that hold the one with most
 * conditions, of several the one for the longest input, of several still the dearest, so that their order does not matter;
 * else the price that is spelled out; else the parent's; else 0.
 */
export function rateOf(
  prices: Prices,
  unit: Unit,
  inputTokens: bigint,
  traits: Readonly<Record<string, string>>,
): bigint {
  let best: Rate | undefined;
  for (const rate of prices.rates ?? []) {
    if (rate.unit !== unit || !holds(rate.when, inputTokens, traits)) continue;
    if (best === undefined || compareRates(rate, best) > 0) best = rate;
  }
  if (best !== undefined) return best.nanoUsd;
  const { price, parent } = unitEntry(unit);
  if (price !== undefined) return prices[price];
  return parent === undefined ? 0n : rateOf(prices, parent, inputTokens, traits);
}

/** The highest price that a unit may have with an input of at most so many tokens, and traits of which some are known. */
function dearestRateOf(
  prices: Prices,
  unit: Unit,
  mostInputTokens: bigint,
  known: Readonly<Record<string, string>>,
): bigint {
  const possible = (prices.rates ?? []).filter(
    (rate) => rate.unit === unit && mayHold(rate.when, mostInputTokens, known),
  );
  // What surely holds puts aside all that ranks below it.
  let sure: Rate | undefined;
  for (const rate of possible) {
    if (holds(rate.when, 0n, known) && (sure === undefined || compareRates(rate, sure) > 0)) sure = rate;
  }
  const { price, parent } = unitEntry(unit);
  let dearest = 0n;
  if (sure !== undefined) dearest = sure.nanoUsd;
  else if (price !== undefined) dearest = prices[price];
  else if (parent !== undefined) dearest = dearestRateOf(prices, parent, mostInputTokens, known);
  for (const rate of possible) {
    if (rate.nanoUsd > dearest && (sure === undefined || compareRates(rate, sure) > 0)) dearest = rate.nanoUsd;
  }
  return dearest;
}

function holds(when: Condition | undefined, inputTokens: bigint, traits: Readonly<Record<string, string>>): boolean {
  if (when === undefined) return true;
  if (when.aboveInputTokens > 0n && inputTokens <= when.aboveInputTokens) return false;
  return Object.entries(when.traits).every(([name, value]) => traits[name] === value);
}

/** Whether a rate holds for some input of at most so many tokens, and for some of the traits that are not known. */
function mayHold(
  when: Condition | undefined,
  mostInputTokens: bigint,
  known: Readonly<Record<string, string>>,
): boolean {
  if (when === undefined) return true;
  if (when.aboveInputTokens > 0n && mostInputTokens <= when.aboveInputTokens) return false;
  return Object.entries(when.traits).every(([name, value]) => (known[name] ?? value) === value);
}

/** How many conditions a rate has. */
export function conditionsOf(when: Condition | undefined): number {
  if (when === undefined) return 0;
  return Object.keys(when.traits).length + (when.aboveInputTokens > 0n ? 1 : 0);
}

/** Which of two rates counts where both hold: positive for the first. */
function compareRates(a: Rate, b: Rate): number {
  const more = conditionsOf(a.when) - conditionsOf(b.when);
  if (more !== 0) return more;
  const longer = (a.when?.aboveInputTokens ?? 0n) - (b.when?.aboveInputTokens ?? 0n);
  return Number(longer !== 0n ? longer : a.nanoUsd - b.nanoUsd);
}

/** An amount in dollars, exact, without needless zeros: 1234567890n is "1.23456789", -5n is "-0.000000005". */
export function formatUsd(nanoUsd: bigint): string {
  const absolute = nanoUsd < 0n ? -nanoUsd : nanoUsd;
  const fraction = (absolute % nanoUsdPerUsd).toString().padStart(9, "0").replace(/0+$/, "");
  const sign = nanoUsd < 0n ? "-" : "";
  return `${sign}${absolute / nanoUsdPerUsd}${fraction === "" ? "" : `.${fraction}`}`;
}

const usdForm = /^(-?)(\d+)(?:\.(\d{1,9}))?$/;

/**
 * Nano-USD of an amount in dollars: an optional minus, digits, and at most nine decimals. Throws a RangeError at anything
 * else: an amount is never guessed or rounded.
 */
export function parseUsd(text: string): bigint {
  const match = usdForm.exec(text);
  if (match === null) throw new RangeError(`not an amount in USD with at most nine decimals: ${JSON.stringify(text)}`);
  const [, sign = "", dollars = "", fraction = ""] = match;
  const absolute = BigInt(dollars) * nanoUsdPerUsd + BigInt(fraction.padEnd(9, "0"));
  return sign === "-" ? -absolute : absolute;
}

/** Quotient rounded towards plus infinity; the divisor is positive. */
function ceilDivide(dividend: bigint, divisor: bigint): bigint {
  const quotient = dividend / divisor;
  return dividend > 0n && dividend % divisor !== 0n ? quotient + 1n : quotient;
}
