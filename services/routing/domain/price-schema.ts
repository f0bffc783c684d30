import { z } from "zod";
import { maxRateNanoUsd } from "../../../shared/money/prices.ts";
import { parseUsd } from "../../../shared/money/usd.ts";
import { type Trait, traitForm, traits, type UnitEntry, units } from "../../../shared/units.ts";

/** A decimal, as text or as a plain YAML number. Money is never a binary fraction: the digits that were typed are kept. */
export const decimalText = z.unknown().transform((value, context) => {
  const text = decimalOf(value);
  if (text !== undefined) return text;
  context.addIssue({ code: "custom", message: value === undefined ? "is missing" : notDecimal });
  return z.NEVER;
});

const notDecimal = 'must be a decimal of 0 or more with at most 9 decimals, such as "2.50"';

function decimalOf(value: unknown): string | undefined {
  const text = typeof value === "number" ? String(value) : value;
  return typeof text === "string" && /^\d+(\.\d{1,9})?$/.test(text) ? text : undefined;
}

/** Most entries of `when`, and most values of a trait that one price is given by. */
const maxEntries = 64;
/** Key of a price by a trait that holds for what is in no other one. */
const otherwise = "default";

/** A price of a key; with a trait where it was written by the trait's values. */
export interface Amount {
  readonly nanoUsd: bigint;
  /** Where it was written below the key. */
  readonly path: readonly string[];
  readonly traits: Readonly<Partial<Record<Trait, string>>>;
}

/** Prices by `priceKey` of shared/units.ts. */
export type WrittenPrices = Readonly<Record<string, readonly Amount[]>>;

/** One price, or where the unit has a trait of its own a price by each value of that. */
function amounts({ priceTrait }: UnitEntry) {
  return z.unknown().transform((value, context): readonly Amount[] => {
    const refuse = (path: readonly string[], message: string): readonly Amount[] => {
      context.issues.push({ code: "custom", message, path: [...path], input: value });
      return z.NEVER;
    };
    if (priceTrait === undefined || !isMap(value)) {
      const priced = priceOf(value);
      return typeof priced === "string" ? refuse([], priced) : [{ nanoUsd: priced, path: [], traits: {} }];
    }
    const entries = Object.entries(value);
    if (entries.length === 0 || entries.length > maxEntries) return refuse([], `must have 1 to ${maxEntries} prices`);
    const read: Amount[] = [];
    for (const [key, text] of entries) {
      const priced = priceOf(text);
      if (typeof priced === "string") return refuse([key], priced);
      if (!traitValue.safeParse(key).success) return refuse([key], traitValueForm);
      read.push({ nanoUsd: priced, path: [key], traits: key === otherwise ? {} : { [priceTrait]: key } });
    }
    if (Object.hasOwn(value, otherwise)) return read;
    // A value that is in none of them must not be free, so it costs as much as the dearest one.
    const dearest = read.reduce((a, b) => (b.nanoUsd > a.nanoUsd ? b : a));
    return [{ ...dearest, traits: {} }, ...read];
  });
}

/** Nano-USD, or what is wrong with it. */
function priceOf(value: unknown): bigint | string {
  const text = decimalOf(value);
  if (text === undefined) return notDecimal;
  const nanoUsd = parseUsd(text);
  return nanoUsd <= maxRateNanoUsd ? nanoUsd : "must be at most 1000000 USD";
}

function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

const traitValueForm = "must be 1 to 64 printable characters without spaces";
const traitValue = z.string().regex(traitForm, traitValueForm);

const priceShape: Record<string, z.ZodOptional<ReturnType<typeof amounts>>> = Object.fromEntries(
  units.map((entry) => [entry.priceKey, amounts(entry).optional()]),
);
const traitShape: Record<string, z.ZodOptional<typeof traitValue>> = Object.fromEntries(
  traits.map((name) => [name, traitValue.optional()]),
);

/** `prices` of a strategy: a price for each key. */
export const pricesSchema = z.strictObject(priceShape).transform((prices) => given(prices));

const clock = /^([01]\d|2[0-3]):([0-5]\d)-(?:([01]\d|2[0-3]):([0-5]\d)|24:00)$/;

/** Hours of the day, from and to in UTC: "16:30-00:30". */
const hours = z.string().transform((text, context) => {
  const [all, fromHour, fromMinute, toHour = "24", toMinute = "00"] = clock.exec(text) ?? [];
  const fromS = Number(fromHour) * 3_600 + Number(fromMinute) * 60;
  const toS = Number(toHour) * 3_600 + Number(toMinute) * 60;
  if (all !== undefined && fromS !== toS) return { fromS, toS };
  context.addIssue({ code: "custom", message: 'must be two different times of the day in UTC, such as "16:30-00:30"' });
  return z.NEVER;
});

const conditionShape = {
  above_input: z.int().min(1).max(1_000_000_000).optional(),
  utc: hours.optional(),
};

/** An entry of `when`: conditions, and the prices that hold where all of them do. */
const whenSchema = z
  .strictObject({ ...priceShape, ...traitShape, ...conditionShape } as typeof conditionShape)
  .transform((entry, context) => {
    const { above_input, utc, ...rest } = entry;
    const fields = rest as Record<string, string | readonly Amount[] | undefined>;
    const named = traits.flatMap((name) => (typeof fields[name] === "string" ? [[name, fields[name]]] : []));
    const prices = given(Object.fromEntries(Object.entries(fields).filter((field) => Array.isArray(field[1]))));
    if (above_input === undefined && utc === undefined && named.length === 0) {
      const conditions = ["above_input", "utc", ...traits].join(", ");
      context.addIssue({ code: "custom", message: `must have one of ${conditions}` });
    }
    if (Object.keys(prices).length === 0) context.addIssue({ code: "custom", message: "must have a price" });
    return {
      aboveInputTokens: BigInt(above_input ?? 0),
      hours: utc,
      traits: Object.fromEntries(named) as Partial<Record<Trait, string>>,
      prices,
    };
  });

/** `when` of a strategy. */
export const whenListSchema = z.array(whenSchema).max(maxEntries);

function given(prices: Record<string, unknown>): WrittenPrices {
  return Object.fromEntries(Object.entries(prices).filter(([, amount]) => amount !== undefined)) as WrittenPrices;
}
