import type { Group, ListPrices, PriceList, Strategy } from "./types.ts";

/** A strategy's prices as a group pays them. One object for each combination: what is made of it can be kept beside it. */
export interface GroupPrice {
  readonly strategy: Strategy;
  readonly prices: ListPrices;
  readonly ratioPpm: number;
  /** The prices of the vendor's own list, `prices` itself where they are those. Undefined: they are not known. */
  readonly list: ListPrices | undefined;
  /** Set where one of the prices changes with the hour: those of each part of the day, the first from midnight UTC on. */
  readonly byHour?: readonly { readonly fromS: number; readonly price: GroupPrice }[];
}

/** Gives what a group pays by a strategy beside the vendor's list; undefined for a strategy without prices of its own. */
export type GroupPrices = (strategy: Strategy, group: Group, list?: PriceList) => GroupPrice | undefined;

/** Remembers each combination of strategy, group and list, so that equal ones are one object. */
export function createGroupPrices(): GroupPrices {
  const known = new Map<string, Map<ListPrices | undefined, GroupPrice>>();
  return (strategy, group, list) => {
    const { prices, key } = strategy;
    if (prices === null) return undefined;
    const name = `${group.name}\n${key}`;
    const lists = known.get(name) ?? new Map<ListPrices | undefined, GroupPrice>();
    known.set(name, lists);
    const made = lists.get(list?.prices) ?? groupPrice(strategy, { ...strategy, prices }, group, list);
    lists.set(list?.prices, made);
    return made;
  };
}

function groupPrice(strategy: Strategy, own: PriceList, { ratioPpm }: Group, list: PriceList | undefined): GroupPrice {
  const at = (fromS: number): GroupPrice => ({
    strategy,
    prices: partAt(own, fromS),
    ratioPpm,
    list: list && partAt(list, fromS),
  });
  const starts = new Set([...(own.byHour ?? []), ...(list?.byHour ?? [])].map(({ fromS }) => fromS));
  if (starts.size === 0) return at(0);
  const byHour = [...starts].sort((a, b) => a - b).map((fromS) => ({ fromS, price: at(fromS) }));
  return { ...at(0), byHour };
}

function partAt({ prices, byHour }: PriceList, atS: number): ListPrices {
  return byHour?.findLast(({ fromS }) => fromS <= atS)?.prices ?? prices;
}

/** The price that holds at a moment (Unix milliseconds): that of a request for all its life is the one of its arrival. */
export function priceAt(price: GroupPrice, nowMs: number): GroupPrice {
  if (price.byHour === undefined) return price;
  const atS = Math.floor(nowMs / 1_000) % 86_400;
  return price.byHour.findLast(({ fromS }) => fromS <= atS)?.price ?? price;
}
