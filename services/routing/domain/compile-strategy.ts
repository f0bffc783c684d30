import type { Condition } from "../../../shared/money/prices.ts";
import { Unit, units } from "../../../shared/units.ts";
import type { StrategyConfig } from "./config-schema.ts";
import { byHour, type HourlyPrice, type Hours } from "./day-parts.ts";
import { toListPrices } from "./price-list.ts";
import type { WrittenPrices } from "./price-schema.ts";
import type { Path } from "./problems.ts";
import type { PriceList, Strategy } from "./types.ts";

/** A price and where it was written. */
interface PlacedPrice extends HourlyPrice {
  readonly path: Path;
}

const unitOfKey: ReadonlyMap<string, Unit> = new Map(units.map(({ priceKey, unit }) => [priceKey, unit]));
const freeList: PriceList = { prices: toListPrices([]).prices };

/** The strategy of models that cost nothing because nobody prices them. Its key is no name that a file can give. */
export const unpriced: Strategy = {
  ...{ key: "free unless priced", name: "free", prices: freeList.prices, origin: "free", customResponse: "", list: "" },
};

/**
 * The strategy of a configuration's entry. Paths of problems are the entry's own.
 *
 * @param shipped true: its prices are vendors' list prices unless it says otherwise.
 */
export function compileStrategy(
  config: StrategyConfig,
  shipped: boolean,
  report: (path: Path, message: string) => void,
): Strategy {
  const { name, free, prices, when, custom_response: customResponse } = config;
  const isList = config.list === true || (config.list === undefined && shipped && prices !== undefined);
  const list = isList ? name : typeof config.list === "string" ? config.list : "";
  if (config.list !== undefined && prices === undefined && !free) report(["list"], "must stand beside prices");
  if (config.list === true && free)
    report(["list"], "must name a strategy: what is free has no list prices of its own");
  if (free && prices !== undefined) report(["free"], "must not stand beside prices");
  if (when.length > 0 && prices === undefined) report(["when"], "must stand beside prices");
  if (free || prices === undefined) {
    const unset = free ? freeList : { prices: null };
    return { key: name, name, ...unset, origin: free ? "free" : "table", customResponse, list };
  }
  const written = [
    ...placed(prices, ["prices"], {}, 0n, undefined),
    ...when.flatMap(({ prices, traits, aboveInputTokens, hours }, i) =>
      placed(prices, ["when", i], traits, aboveInputTokens, hours),
    ),
  ];
  if (written.every(({ nanoUsd }) => nanoUsd === 0n)) {
    report(["prices"], "sets no price: a strategy that charges nothing says free: true");
  }
  const vendor = written.find(({ unit }) => unit === Unit.VENDOR_NANO_USD);
  if (vendor !== undefined && written.every(({ unit, nanoUsd }) => beside.has(unit) || nanoUsd === 0n)) {
    report(
      vendor.path,
      "needs other prices beside it: they hold for the reservation, and where the vendor says no cost",
    );
  }
  const { list: priced, problems } = byHour(written);
  for (const { price, message } of problems) report(price.path, message);
  return { key: name, name, ...priced, origin: "strategy", customResponse, list };
}

/** Units whose prices say nothing of what a request may cost while the vendor's own cost is not known. */
const beside: ReadonlySet<Unit> = new Set([Unit.VENDOR_NANO_USD, Unit.REQUESTS]);

function placed(
  prices: WrittenPrices,
  path: Path,
  traits: Condition["traits"],
  aboveInputTokens: bigint,
  hours: Hours | undefined,
): PlacedPrice[] {
  return Object.entries(prices).flatMap(([key, amounts]) => {
    const unit = unitOfKey.get(key);
    if (unit === undefined) return [];
    return amounts.map((amount) => {
      const all = { ...traits, ...amount.traits };
      const isConditional = aboveInputTokens > 0n || Object.keys(all).length > 0;
      return {
        unit,
        nanoUsd: amount.nanoUsd,
        path: [...path, key, ...amount.path],
        ...(isConditional ? { when: { aboveInputTokens, traits: all } } : {}),
        ...(hours === undefined ? {} : { hours }),
      };
    });
  });
}
