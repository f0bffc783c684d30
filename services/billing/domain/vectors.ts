import { memoFrozen } from "../../../shared/memo-frozen.ts";
import type { Condition, Rate } from "../../../shared/money/prices.ts";
import type { BillableUsage, Quantity } from "../../../shared/money/usage.ts";
import { partUnits, unitEntry, unitNamed } from "../../../shared/units.ts";

/**
 * How the database keeps what has no column of its own: JSON by the names of units and traits. Amounts and prices are at most
 * 10^15, so they are exact as JSON's numbers.
 */
export interface StoredRate {
  readonly unit: string;
  readonly nano_usd: number;
  /** The input has more tokens than this. Absent: of whatever length. */
  readonly above?: number;
  /** Traits. Absent: whatever they are. */
  readonly when?: Readonly<Record<string, string>>;
}

/** Further units of a usage, e.g. {"output_image_tokens": 1234}. */
export type StoredQuantities = Readonly<Record<string, number>>;

/** Rates as one text, the same for the same rates in whatever order they come; undefined for none. */
export function ratesText(rates: readonly Rate[] | undefined): string | undefined {
  if (rates === undefined || rates.length === 0) return undefined;
  const texts = rates.map((rate) => JSON.stringify(storedRate(rate)));
  return `[${texts.sort().join(",")}]`;
}

/**
 * A text that two lists of rates share only when they are equal, in whatever order they come; empty for none. Not the JSON of
 * `ratesText`: it is made for every request.
 */
export function ratesKey(rates: readonly Rate[] | undefined): string {
  return rates === undefined || rates.length === 0 ? "" : keyOfRates(rates);
}

const keyOfRates = memoFrozen((rates: readonly Rate[]): string => {
  const keys: string[] = [];
  for (const { unit, nanoUsd, when } of rates) {
    keys.push(when === undefined ? `;${unit}:${nanoUsd}` : `;${unit}:${nanoUsd}${conditionKey(when)}`);
  }
  return keys.sort().join("");
});

/** Texts with their lengths, so that no two conditions make the same. Empty for a condition that says nothing. */
function conditionKey({ aboveInputTokens, traits }: Condition): string {
  let key = aboveInputTokens > 0n ? `>${aboveInputTokens}` : "";
  for (const name of Object.keys(traits).sort()) {
    const value = traits[name] ?? "";
    key += `,${name}=${value.length}:${value}`;
  }
  return key;
}

function storedRate({ unit, nanoUsd, when }: Rate): StoredRate {
  const traits = Object.entries(when?.traits ?? {}).sort(([a], [b]) => (a < b ? -1 : 1));
  const above = when?.aboveInputTokens ?? 0n;
  return {
    unit: unitEntry(unit).name,
    nano_usd: Number(nanoUsd),
    ...(above > 0n ? { above: Number(above) } : {}),
    ...(traits.length > 0 ? { when: Object.fromEntries(traits) } : {}),
  };
}

/** Rates as they were stored. Those of units that only a newer program knows are left out. */
export function toRates(stored: readonly StoredRate[] | null): Rate[] {
  return (stored ?? []).flatMap(({ unit, nano_usd, above = 0, when }) => {
    const entry = unitNamed(unit);
    if (entry === undefined) return [];
    const condition: Condition | undefined =
      above > 0 || when !== undefined ? { aboveInputTokens: BigInt(above), traits: { ...when } } : undefined;
    return [{ unit: entry.unit, nanoUsd: BigInt(nano_usd), when: condition }];
  });
}

/** Further units as JSON; undefined for none. */
export function quantitiesText(more: readonly Quantity[] | undefined): string | undefined {
  if (more === undefined || more.length === 0) return undefined;
  return JSON.stringify(Object.fromEntries(more.map(({ unit, amount }) => [unitEntry(unit).name, Number(amount)])));
}

/** Further units as they were stored, in the order of their numbers. Those that only a newer program knows are left out. */
export function toQuantities(stored: Readonly<Record<string, number | string>> | null): Quantity[] {
  const found = Object.entries(stored ?? {}).flatMap(([name, amount]) => {
    const entry = unitNamed(name);
    return entry === undefined ? [] : [{ unit: entry.unit, amount: BigInt(amount) }];
  });
  return found.sort((a, b) => a.unit - b.unit);
}

/** Traits as JSON; undefined for none. */
export function traitsText(traits: Readonly<Record<string, string>> | undefined): string | undefined {
  if (traits === undefined) return undefined;
  for (const _ in traits) return JSON.stringify(traits);
  return undefined;
}

/** Tokens of a usage, of whatever kind: what the limit of tokens a minute counts. */
export function tokensOf(usage: BillableUsage): bigint {
  let sum = 0n;
  for (const { part, name } of partUnits) if (isToken(name)) sum += usage[part];
  for (const { unit, amount } of usage.more ?? []) if (isToken(unitEntry(unit).name)) sum += amount;
  return sum;
}

const isToken = (name: string): boolean => name.endsWith("_tokens");
