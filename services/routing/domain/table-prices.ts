import type { ModelInfo, ModelPrice, TieredPrices } from "@pydantic/genai-prices";
import type { Condition } from "../../../shared/money/prices.ts";
import { covers, type Hours, partsOf, toPriceList } from "./day-parts.ts";
import { toListPrices } from "./price-list.ts";
import type { WrittenPrice } from "./price-ties.ts";
import { leftOutNames, type TableName, tableNames } from "./table-names.ts";
import type { PriceList } from "./types.ts";

/** The prices that the table has of a model, in our units. */
export interface TablePrices {
  /** Null: none that we can charge. */
  readonly list: PriceList | null;
  /** Sentences about prices of the table that are not charged as the table says. */
  readonly dropped: readonly string[];
}

/** Reads the prices of a model that hold on a day, and how they change with its hours. */
export function readTablePrices(model: Pick<ModelInfo, "prices">, now: Date): TablePrices {
  const dropped = new Set<string>();
  const lists = Array.isArray(model.prices) ? model.prices : [{ prices: model.prices }];
  const today = now.toISOString().slice(0, 10);
  const known = lists.filter(({ constraint }) => {
    if (constraint === undefined || constraint.type === "start_date" || constraint.type === "time_of_date") return true;
    dropped.add(`prices under the condition ${JSON.stringify(constraint)} are left out: it is not known`);
    return false;
  });
  const hours = new Map<object, Hours>();
  for (const { constraint } of known) {
    if (constraint?.type !== "time_of_date") continue;
    hours.set(constraint, { fromS: secondOfDay(constraint.start_time), toS: secondOfDay(constraint.end_time) });
  }
  // The last price that holds counts; where none holds, the first price.
  const at = (atS: number): ModelPrice => {
    const holds = known.findLast(({ constraint }) => {
      if (constraint === undefined) return true;
      if (constraint.type === "start_date") return constraint.start_date <= today;
      const span = hours.get(constraint);
      return span !== undefined && covers(span, atS);
    });
    return (holds ?? known[0])?.prices ?? {};
  };
  const parts = partsOf([...hours.values()], (atS) => {
    const written = writtenPrices(at(atS), (text) => dropped.add(text));
    if (written.length === 0) return undefined;
    const { prices, problems } = toListPrices(written);
    for (const { message } of problems) dropped.add(`one of its prices ${message}`);
    return prices;
  });
  const whole = parts.flatMap(({ fromS, prices }) => (prices === undefined ? [] : [{ fromS, prices }]));
  if (whole.length < parts.length && whole.length > 0) dropped.add("it has no price at some hours: none is charged");
  return { list: whole.length < parts.length ? null : toPriceList(whole), dropped: [...dropped] };
}

/** The prices of one list of the table, each as often as it has lengths of the input. */
function writtenPrices(list: ModelPrice, drop: (text: string) => void): WrittenPrice[] {
  const written: WrittenPrice[] = [];
  const read = new Map<string, readonly Step[]>();
  for (const [name, price] of Object.entries(list)) {
    if (price === undefined) continue;
    const reason = Object.hasOwn(leftOutNames, name) ? leftOutNames[name] : undefined;
    const steps = stepsOf(price);
    if (reason !== undefined) drop(`${name} is left out: ${reason}`);
    else if (!knownNames.has(name)) drop(`${name} is left out: its name is not known`);
    else if (steps === undefined) drop(`${name} is left out: it is written in a way that is not known`);
    else read.set(name, steps);
  }
  const held = new Map<string, TableName>();
  for (const entry of tableNames) {
    const steps = read.get(entry.name);
    if (steps === undefined) continue;
    const key = `${entry.unit} ${JSON.stringify(entry.when?.traits)}`;
    const first = held.get(key);
    if (first === undefined) held.set(key, entry);
    else if (entry.isGeneral === true) continue;
    else {
      drop(`${entry.name} is left out: ${first.name} is the price of the same unit`);
      continue;
    }
    for (const { above, nanoUsd } of steps) {
      const when = conditionOf(entry, above);
      written.push({ unit: entry.unit, nanoUsd: ceilDivide(nanoUsd, entry.per), ...(when && { when }) });
    }
  }
  return written;
}

const knownNames: ReadonlySet<string> = new Set(tableNames.map(({ name }) => name));

/** A price and the input above which it holds. */
interface Step {
  readonly above: bigint;
  readonly nanoUsd: bigint;
}

/** The steps of a price, from the shortest input on; undefined: not a shape that we know. */
function stepsOf(price: number | TieredPrices): readonly Step[] | undefined {
  if (typeof price === "number") return isPrice(price) ? [{ above: 0n, nanoUsd: nano(price) }] : undefined;
  if (!isPrice(price.base) || !Array.isArray(price.tiers)) return undefined;
  const steps = new Map<bigint, bigint>([[0n, nano(price.base)]]);
  for (const tier of price.tiers) {
    if (!Number.isSafeInteger(tier?.start) || tier.start < 0 || !isPrice(tier.price)) return undefined;
    steps.set(BigInt(tier.start), nano(tier.price));
  }
  return [...steps].map(([above, nanoUsd]) => ({ above, nanoUsd }));
}

function conditionOf({ when }: TableName, above: bigint): Condition | undefined {
  if (above === 0n) return when;
  return { aboveInputTokens: above, traits: when?.traits ?? {} };
}

function isPrice(value: unknown): value is number {
  return typeof value === "number" && value >= 0 && value <= 1_000_000;
}

/** The table has at most nine decimals, as binary fractions: rounding gives back what its authors wrote. */
function nano(usd: number): bigint {
  return BigInt(Math.round(usd * 1e9));
}

/** Rounded up: what is charged is never below the table's price. */
function ceilDivide(value: bigint, by: bigint): bigint {
  return (value + by - 1n) / by;
}

/** "16:30:00Z" or with an offset, as seconds from midnight UTC. The package has checked the form. */
function secondOfDay(text: string): number {
  const [, hours = "0", minutes = "0", seconds = "0", sign, offsetHours = "0", offsetMinutes = "0"] =
    /^(\d\d):(\d\d):(\d\d)(?:\.\d+)?(?:Z|([+-])(\d\d):(\d\d))$/.exec(text) ?? [];
  const offsetS = (Number(offsetHours) * 60 + Number(offsetMinutes)) * 60;
  const atS = (Number(hours) * 60 + Number(minutes)) * 60 + Number(seconds) - (sign === "-" ? -offsetS : offsetS);
  return (atS + 86_400) % 86_400;
}
