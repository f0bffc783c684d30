import type { Group, ListPrices, Strategy } from "./types.ts";

/** A strategy's prices as a group pays them. One object for each pair: what is made of it can be kept beside it. */
export interface GroupPrice {
  readonly strategy: Strategy;
  readonly prices: ListPrices;
  readonly ratioPpm: number;
  /** Set where the prices change with the hour: those of each part of the day, the first from midnight UTC on. */
  readonly byHour?: readonly { readonly fromS: number; readonly price: GroupPrice }[];
}

/** Gives what a group pays by a strategy; undefined for a strategy without prices of its own. */
export type GroupPrices = (strategy: Strategy, group: Group) => GroupPrice | undefined;

/** Remembers each pair of strategy and group, so that equal pairs are one object. */
export function createGroupPrices(): GroupPrices {
  const known = new Map<string, GroupPrice>();
  return (strategy, group) => {
    const { prices, byHour, key } = strategy;
    const name = `${group.name}\n${key}`;
    const found = known.get(name);
    if (found !== undefined || prices === null) return found;
    const { ratioPpm } = group;
    const parts = byHour?.map((part) => ({
      fromS: part.fromS,
      price: { strategy, prices: part.prices, ratioPpm },
    }));
    const made = { strategy, prices, ratioPpm, ...(parts === undefined ? {} : { byHour: parts }) };
    known.set(name, made);
    return made;
  };
}

/** The price that holds at a moment (Unix milliseconds): that of a request for all its life is the one of its arrival. */
export function priceAt(price: GroupPrice, nowMs: number): GroupPrice {
  if (price.byHour === undefined) return price;
  const atS = Math.floor(nowMs / 1_000) % 86_400;
  return price.byHour.findLast(({ fromS }) => fromS <= atS)?.price ?? price;
}
