import { conditionsOf, maxRates, type Rate } from "../../../shared/money/prices.ts";
import { type PricePart, type Unit, unitEntry, units } from "../../../shared/units.ts";
import { type PriceProblem, sameConditions, ties, type WrittenPrice } from "./price-ties.ts";
import type { ListPrices } from "./types.ts";

/**
 * The price list that was written. A unit without a price of its own that always holds follows its parent, under the
 * parent's conditions too. Lists are canonical: equal prices give equal lists, whatever the order in which they were written.
 */
export function toListPrices<W extends WrittenPrice>(
  written: readonly W[],
): {
  readonly prices: ListPrices;
  /** Units that have a price, their parent's or their own. */
  readonly priced: ReadonlySet<Unit>;
  readonly problems: readonly PriceProblem<W>[];
} {
  const problems: PriceProblem<W>[] = [];
  const effective = new Map<Unit, readonly W[]>();
  const rates: Rate[] = [];
  const base: Partial<Record<PricePart, bigint>> = {};

  const ofUnit = (unit: Unit): readonly W[] => {
    const known = effective.get(unit);
    if (known !== undefined) return known;
    const { parent } = unitEntry(unit);
    const made = withParents(
      written.filter((price) => price.unit === unit),
      parent === undefined ? [] : ofUnit(parent),
    );
    effective.set(unit, made);
    return made;
  };

  for (const { unit, price: field, parent } of units) {
    const own = ofUnit(unit);
    problems.push(...ties(unit, own));
    const always = own.find(({ when }) => when === undefined);
    const orphan = always === undefined ? own[0] : undefined;
    if (orphan !== undefined)
      problems.push({ price: orphan, message: "holds under a condition only: say under prices what holds otherwise" });
    if (field !== undefined) base[field] = always?.nanoUsd ?? 0n;
    else if (parent !== undefined && sameList(own, ofUnit(parent))) continue;
    for (const { nanoUsd, when } of own) {
      if (when !== undefined) rates.push({ unit, nanoUsd, when });
      else if (field === undefined) rates.push({ unit, nanoUsd });
    }
  }
  const [first] = written;
  if (rates.length > maxRates && first !== undefined) {
    problems.push({ price: first, message: `is one of ${rates.length} prices: there may be ${maxRates}` });
  }
  rates.sort(canonically);
  const priced = new Set([...effective].filter(([, own]) => own.length > 0).map(([unit]) => unit));
  const prices = { ...(base as Record<PricePart, bigint>), ...(rates.length === 0 ? {} : { rates }) };
  return { prices, priced, problems };
}

/** The prices of a unit with those of its parent where it has none of its own. The parent's own list: it has no others. */
function withParents<W extends WrittenPrice>(own: readonly W[], parents: readonly W[]): readonly W[] {
  if (own.length === 0) return parents;
  if (own.some(({ when }) => when === undefined)) return own;
  return [...own, ...parents.filter((price) => !own.some((mine) => sameConditions(mine.when, price.when)))];
}

function sameList(a: readonly WrittenPrice[], b: readonly WrittenPrice[]): boolean {
  const inB = (one: WrittenPrice) =>
    b.some(({ nanoUsd, when }) => nanoUsd === one.nanoUsd && sameConditions(when, one.when));
  return a === b || (a.length === b.length && a.every(inB));
}

function canonically(a: Rate, b: Rate): number {
  if (a.unit !== b.unit) return a.unit - b.unit;
  const conditions = conditionsOf(a.when) - conditionsOf(b.when);
  if (conditions !== 0) return conditions;
  const length = (a.when?.aboveInputTokens ?? 0n) - (b.when?.aboveInputTokens ?? 0n);
  if (length !== 0n) return length < 0n ? -1 : 1;
  return traitText(a) < traitText(b) ? -1 : 1;
}

function traitText({ when }: Rate): string {
  return JSON.stringify(Object.entries(when?.traits ?? {}).sort(([a], [b]) => (a < b ? -1 : 1)));
}
