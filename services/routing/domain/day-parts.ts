import type { Condition } from "../../../shared/money/prices.ts";
import { toListPrices } from "./price-list.ts";
import { type PriceProblem, sameConditions, type WrittenPrice } from "./price-ties.ts";
import type { DayPart, PriceList } from "./types.ts";

/** Hours of the day in UTC, in seconds from midnight; `toS` is not in them, and may be less than `fromS`: over midnight. */
export interface Hours {
  readonly fromS: number;
  readonly toS: number;
}

/** A price that may hold for hours of the day only. */
export interface HourlyPrice extends WrittenPrice {
  /** Absent: all day. */
  readonly hours?: Hours;
}

const dayS = 86_400;

/**
 * The price list of each part of the day. A price for some hours takes, in these hours, the place of the price of the same
 * unit under the same other conditions.
 */
export function byHour<W extends HourlyPrice>(
  written: readonly W[],
): { readonly list: PriceList; readonly problems: readonly PriceProblem<W>[] } {
  const problems = new Map<string, PriceProblem<W>>();
  const report = (problem: PriceProblem<W>) => {
    const key = `${written.indexOf(problem.price)} ${problem.message}`;
    if (!problems.has(key)) problems.set(key, problem);
  };
  const parts = partsOf(
    written.flatMap(({ hours }) => (hours === undefined ? [] : [hours])),
    (atS) => {
      const active = written.filter(({ hours }) => hours === undefined || covers(hours, atS));
      const hourly = active.filter(({ hours }) => hours !== undefined);
      const replaced = (price: W) => price.hours === undefined && hourly.some((other) => sameMeaning(price, other));
      const { prices, priced, problems: found } = toListPrices(active.filter((price) => !replaced(price)));
      for (const problem of found) report(problem);
      for (const price of written.filter(({ unit, hours }) => hours !== undefined && !priced.has(unit))) {
        report({ price, message: "holds for some hours only: say under prices what holds at the others" });
      }
      return prices;
    },
  );
  return { list: toPriceList(parts), problems: [...problems.values()] };
}

/** The day cut where any of the hours begin or end, each part with what `make` says of its first second. */
export function partsOf<P>(hours: readonly Hours[], make: (atS: number) => P): { fromS: number; prices: P }[] {
  const starts = new Set([0, ...hours.flatMap(({ fromS, toS }) => [fromS, toS % dayS])]);
  return [...starts].sort((a, b) => a - b).map((fromS) => ({ fromS, prices: make(fromS) }));
}

/** The list of the parts of a day; those that follow one of equal prices are left out. */
export function toPriceList(parts: readonly DayPart[]): PriceList {
  const different = parts.filter(({ prices }, i) => i === 0 || priceText(prices) !== priceText(parts[i - 1]?.prices));
  const [first] = different;
  if (first === undefined) throw new RangeError("a day has at least one part");
  return { prices: first.prices, ...(different.length > 1 ? { byHour: different } : {}) };
}

/** True: the second of the day is in the hours. */
export function covers({ fromS, toS }: Hours, atS: number): boolean {
  return fromS < toS ? atS >= fromS && atS < toS : atS >= fromS || atS < toS;
}

function sameMeaning(a: { unit: number; when?: Condition }, b: { unit: number; when?: Condition }): boolean {
  return a.unit === b.unit && sameConditions(a.when, b.when);
}

function priceText(value: unknown): string {
  return JSON.stringify(value, (_, part: unknown) => (typeof part === "bigint" ? part.toString() : part));
}
