import { type Condition, conditionsOf } from "../../../shared/money/prices.ts";
import type { Unit } from "../../../shared/units.ts";

/** A price as somebody wrote it, for one part of the day. */
export interface WrittenPrice {
  readonly unit: Unit;
  /** Nano-USD for the unit's divisor. */
  readonly nanoUsd: bigint;
  /** Absent: it holds where no other one does. */
  readonly when?: Condition;
}

/** What is wrong with a price: the price and words that follow its path. */
export interface PriceProblem<W extends WrittenPrice> {
  readonly price: W;
  readonly message: string;
}

/**
 * Pairs of prices of one unit of which no rule says which one holds: with equally many conditions that can be met
 * together, and without a third price that has more conditions and is met whenever both are. Of prices that differ in
 * nothing but the length of the input the longest holds, so these are no tie.
 *
 * @param prices those of the unit, and those that it takes over from its parent.
 */
export function ties<W extends WrittenPrice>(unit: Unit, prices: readonly W[]): PriceProblem<W>[] {
  const found: PriceProblem<W>[] = [];
  for (const [i, later] of prices.entries()) {
    for (const other of prices.slice(0, i)) {
      const price = later.unit === unit ? later : other;
      // Two of the parent's: told where they are the parent's.
      if (price.unit !== unit) continue;
      if (sameConditions(later.when, other.when)) {
        found.push({ price, message: "has a price under the same conditions already" });
      } else if (isTie(later.when, other.when) && !settled(prices, later.when, other.when)) {
        const together = both(later.when, other.when);
        found.push({ price, message: `could hold together with another price: say what holds for ${together}` });
      }
    }
  }
  return found;
}

/** True: both always hold at the same time. */
export function sameConditions(a: Condition | undefined, b: Condition | undefined): boolean {
  return (a?.aboveInputTokens ?? 0n) === (b?.aboveInputTokens ?? 0n) && sameTraits(a, b);
}

function isTie(a: Condition | undefined, b: Condition | undefined): boolean {
  return conditionsOf(a) === conditionsOf(b) && !sameTraits(a, b) && compatible(a, b);
}

function compatible(a: Condition | undefined, b: Condition | undefined): boolean {
  return Object.entries(a?.traits ?? {}).every(([name, value]) => (b?.traits[name] ?? value) === value);
}

function sameTraits(a: Condition | undefined, b: Condition | undefined): boolean {
  const count = (when: Condition | undefined) => Object.keys(when?.traits ?? {}).length;
  return count(a) === count(b) && Object.entries(a?.traits ?? {}).every(([name, value]) => b?.traits[name] === value);
}

function settled(prices: readonly WrittenPrice[], a: Condition | undefined, b: Condition | undefined): boolean {
  const traits: Record<string, string> = { ...a?.traits, ...b?.traits };
  const above = longest(a, b);
  return prices.some(
    ({ when }) =>
      when !== undefined &&
      conditionsOf(when) > conditionsOf(a) &&
      when.aboveInputTokens <= above &&
      Object.entries(when.traits).every(([name, value]) => traits[name] === value),
  );
}

function longest(a: Condition | undefined, b: Condition | undefined): bigint {
  const [one, other] = [a?.aboveInputTokens ?? 0n, b?.aboveInputTokens ?? 0n];
  return one > other ? one : other;
}

function both(a: Condition | undefined, b: Condition | undefined): string {
  const above = longest(a, b);
  const traits = Object.entries({ ...a?.traits, ...b?.traits }).map(([name, value]) => `${name}: ${value}`);
  return [...(above > 0n ? [`above_input: ${above}`] : []), ...traits].join(", ");
}
