import type { Quantities } from "../../client/contract/units.ts";
import type { Usage } from "../../shared/gen/throughline/common/v1/common_pb.ts";
import type { Prices, Rate } from "../../shared/money/prices.ts";
import type { Quantity } from "../../shared/money/usage.ts";
import { formatUsd } from "../../shared/money/usd.ts";
import { partUnits, type UnitEntry, type UnitName, unitEntry, units } from "../../shared/units.ts";

const knownUnits: ReadonlySet<number> = new Set(units.map(({ unit }) => unit));

/** What was consumed of every unit that this program knows: a newer one may have written the record. */
export function knownQuantities(usage: Usage): Quantity[] {
  const quantities: Quantity[] = [];
  for (const { unit, part } of partUnits) if (usage[part] !== 0n) quantities.push({ unit, amount: usage[part] });
  for (const quantity of usage.more) if (knownUnits.has(quantity.unit)) quantities.push(quantity);
  return quantities;
}

/** The same by names; what nothing was consumed of is left out. */
export function quantitiesOut(usage: Usage): Quantities {
  const quantities: Quantities = {};
  for (const { unit, amount } of knownQuantities(usage)) quantities[unitEntry(unit).name] = Number(amount);
  return quantities;
}

/** One price of one unit. */
export interface RateOut {
  readonly unit: UnitName;
  /** USD for `per` of the unit. */
  readonly usd: string;
  /** A million tokens, a thousand milliseconds, one piece ... */
  readonly per: number;
  /** What must be so for it to hold; null: it always holds. */
  readonly when: { readonly above_input_tokens: number | null; readonly traits: Record<string, string> } | null;
}

/** Units whose price a list spells out. */
export const pricedUnits: readonly (UnitEntry & { readonly price: NonNullable<UnitEntry["price"]> })[] = units.filter(
  (entry): entry is UnitEntry & { readonly price: NonNullable<UnitEntry["price"]> } => entry.price !== undefined,
);

/** Where history is in the same process, the records of one shape have one price list between them. */
const shown = new WeakMap<Prices, readonly RateOut[]>();

/** All rates of a price list: those that it spells out, where they are not 0, then the others. */
export function ratesOut(prices: Prices): readonly RateOut[] {
  const known = shown.get(prices) ?? makeRates(prices);
  shown.set(prices, known);
  return known;
}

function makeRates(prices: Prices): RateOut[] {
  const rates: RateOut[] = [];
  for (const { price, ...entry } of pricedUnits) {
    if (prices[price] !== 0n) rates.push(rateOut(entry, { unit: entry.unit, nanoUsd: prices[price] }));
  }
  for (const rate of prices.rates ?? []) if (knownUnits.has(rate.unit)) rates.push(rateOut(unitEntry(rate.unit), rate));
  return rates;
}

function rateOut({ name, divisor }: Pick<UnitEntry, "name" | "divisor">, { nanoUsd, when }: Rate): RateOut {
  const above = when?.aboveInputTokens ?? 0n;
  return {
    unit: name,
    usd: formatUsd(nanoUsd),
    per: Number(divisor),
    when:
      when === undefined
        ? null
        : { above_input_tokens: above === 0n ? null : Number(above), traits: { ...when.traits } },
  };
}
