import type { PriceQuestion, PriceTable } from "./price-table.ts";
import type { Strategy } from "./types.ts";

/** A strategy whose prices are the table's. */
export interface TableStrategy {
  readonly strategy: Strategy;
  /** Where in the table they were found. */
  readonly id: string;
  /** Sentences about prices of the table that are not charged as the table says. */
  readonly dropped: readonly string[];
}

/**
 * The strategy of a model that the table prices; undefined: it has no price of it.
 *
 * @param named the strategy that the configuration names for the model, if any: what else it says stays.
 */
export function tablePrice(
  named: Strategy | undefined,
  prices: PriceTable,
  question: PriceQuestion,
): TableStrategy | undefined {
  const found = prices.find(question);
  if (found?.list == null) return undefined;
  const tableKey = `table:${found.id}`;
  const strategy: Strategy = {
    key: named === undefined ? tableKey : `${named.name}+${tableKey}`,
    name: named?.name ?? tableKey,
    ...found.list,
    origin: "table",
    customResponse: named?.customResponse ?? "",
    list: "",
  };
  return { strategy, id: found.id, dropped: found.dropped };
}
