import { hasRate, type Prices } from "../../../shared/money/prices.ts";
import type { BillableUsage } from "../../../shared/money/usage.ts";
import { partUnits, Unit, unitEntry } from "../../../shared/units.ts";
import { isTierPriced, mayBeDearer } from "./service-tier.ts";

/** What of a usage is charged below what it costs because the strategy has no price for it, for the record. */
export function unpricedNotes({ more, traits }: BillableUsage, prices: Prices | undefined): string[] {
  if ((more === undefined && traits === undefined) || prices === undefined || isFree(prices)) return [];
  // The upstream's own cost has all of it.
  if (hasRate(prices, Unit.VENDOR_NANO_USD) && more?.some(({ unit }) => unit === Unit.VENDOR_NANO_USD)) return [];
  const notes: string[] = [];
  const tier = traits?.service_tier;
  if (tier !== undefined && mayBeDearer(tier) && !isTierPriced(prices, tier)) {
    notes.push(`service_tier ${tier} is charged as the standard: it has no prices`);
  }
  for (const { unit, amount } of more ?? []) {
    if (unit === Unit.VENDOR_NANO_USD || unitEntry(unit).parent !== undefined || hasRate(prices, unit)) continue;
    notes.push(`${amount} ${unitEntry(unit).name} not charged: they have no price`);
  }
  return notes;
}

function isFree(prices: Prices): boolean {
  return !prices.rates?.length && partUnits.every(({ price }) => price === undefined || prices[price] === 0n);
}
