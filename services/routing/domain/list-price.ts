import type { PriceQuestion, PriceTable } from "./price-table.ts";
import type { PriceList, Strategy } from "./types.ts";

/**
 * The prices of the vendor's own list for what a strategy prices; undefined: they are not known. The strategy says which they are,
 * or has them from the table; else the table is asked what the vendor itself takes for the model, without a guess whose it is.
 */
export function vendorList(
  strategy: Strategy,
  strategies: ReadonlyMap<string, Strategy>,
  table: PriceTable,
  question: PriceQuestion,
): PriceList | undefined {
  const named = strategy.list === strategy.key ? strategy : strategies.get(strategy.list);
  const own = strategy.origin === "table" ? strategy : named;
  if (own !== undefined) return own.prices === null ? undefined : { ...own, prices: own.prices };
  return table.find(question, { guess: false })?.list ?? undefined;
}
