import type { Unit } from "../gen/throughline/common/v1/common_pb.ts";
import { unitEntry } from "../units.ts";

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
export function dearestRateOf(
  prices: Prices,
  unit: Unit,
  mostInputTokens: bigint,
  known: Readonly<Record<string, string>>,
): bigint {
  const possible = (prices.rates ?? []).filter(
    (rate) => rate.unit === unit && mayHold(rate.when, mostInputTokens, known),
  );
  // A rate that surely holds outranks every rate below it.
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
