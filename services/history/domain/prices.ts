import { memoFrozen } from "../../../shared/memo-frozen.ts";
import type { Prices, Rate } from "../../../shared/money/prices.ts";
import { units } from "../../../shared/units.ts";
import { storedUnit, unitOfStored } from "./quantities.ts";
import { type Repairs, storedName } from "./repair.ts";

/** A price list as it is stored. Equal lists have the same JSON text: names of units and traits come in one order. */
export interface StoredPrices {
  readonly strategy: string;
  /** The group's ratio in parts per million. */
  readonly ratio: number;
  readonly source: number;
  /** Nano-USD for the divisor of units, of the prices that the contract's Pricing spells out; those of 0 are left out. */
  readonly prices: Readonly<Record<string, string>>;
  /** Absent: none. */
  readonly rates?: readonly StoredRate[];
}

/** One of the contract's rates. Absent fields are not said. */
export interface StoredRate {
  readonly unit: string;
  readonly nano_usd: string;
  readonly above?: string;
  readonly traits?: Readonly<Record<string, string>>;
}

/** A price list as the contract has it. */
export interface PricingLike extends Prices {
  readonly strategy: string;
  readonly source: number;
}

const priced = units.flatMap(({ name, price }) => (price === undefined ? [] : [{ name, price }]));

/** A price list as it is stored. `text` makes any text one that can be stored. */
export function toStoredPrices(pricing: PricingLike | undefined, text: (text: string) => string): StoredPrices | "" {
  if (pricing === undefined) return "";
  const prices: Record<string, string> = {};
  for (const { name, price } of priced) if (pricing[price] !== 0n) prices[name] = pricing[price].toString();
  const stored = { strategy: text(pricing.strategy), ratio: pricing.groupRatioPpm, source: pricing.source, prices };
  if (pricing.rates === undefined || pricing.rates.length === 0) return stored;
  const rates = pricing.rates.map((rate) => toStoredRate(rate, text));
  return { ...stored, rates: rates.sort(inOrder) };
}

/** The JSON text of a price list as it is stored, and whether a text in it had to be repaired. */
export const pricesText = memoFrozen((pricing: PricingLike): { readonly json: string; readonly repaired: boolean } => {
  const repairs: Repairs = { repaired: false };
  const json = JSON.stringify(toStoredPrices(pricing, (text) => storedName(text, repairs)));
  return { json, repaired: repairs.repaired };
});

/** The price list that was stored; undefined: there was none. */
export function fromStoredPrices(stored: StoredPrices | ""): Required<PricingLike> | undefined {
  if (stored === "") return undefined;
  const spelledOut = Object.fromEntries(priced.map(({ name, price }) => [price, BigInt(stored.prices[name] ?? 0)]));
  return {
    ...(spelledOut as Record<(typeof priced)[number]["price"], bigint>),
    strategy: stored.strategy,
    groupRatioPpm: stored.ratio,
    source: stored.source,
    rates: (stored.rates ?? []).map(fromStoredRate),
  };
}

function toStoredRate({ unit, nanoUsd, when }: Rate, text: (text: string) => string): StoredRate {
  const entries = Object.entries(when?.traits ?? {}).map(([name, value]) => [text(name), text(value)] as const);
  return {
    unit: storedUnit(unit),
    nano_usd: nanoUsd.toString(),
    ...(when === undefined || when.aboveInputTokens === 0n ? {} : { above: when.aboveInputTokens.toString() }),
    ...(entries.length === 0 ? {} : { traits: Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1))) }),
  };
}

function fromStoredRate({ unit, nano_usd, above, traits }: StoredRate): Rate {
  const isAlways = above === undefined && traits === undefined;
  return {
    unit: unitOfStored(unit),
    nanoUsd: BigInt(nano_usd),
    when: isAlways ? undefined : { aboveInputTokens: BigInt(above ?? 0), traits: { ...traits } },
  };
}

/** An order of the rates of a list, so that equal lists are one text. Texts of traits are made where nothing else decides. */
function inOrder(a: StoredRate, b: StoredRate): number {
  if (a.unit !== b.unit) return a.unit < b.unit ? -1 : 1;
  const [above, other] = [a.above ?? "", b.above ?? ""];
  if (above !== other) return above < other ? -1 : 1;
  if (a.nano_usd !== b.nano_usd) return a.nano_usd < b.nano_usd ? -1 : 1;
  if (a.traits === undefined || b.traits === undefined)
    return a.traits === b.traits ? 0 : a.traits === undefined ? -1 : 1;
  return JSON.stringify(a.traits) < JSON.stringify(b.traits) ? -1 : 1;
}
