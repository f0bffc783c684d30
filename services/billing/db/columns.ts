import type { PricePart, UsagePart } from "../../../shared/units.ts";
import { partUnits } from "../../../shared/units.ts";

/** `cachedInputTokens` is `cached_input_tokens`. */
type Snake<S extends string> = S extends `${infer First}${infer Rest}`
  ? First extends Lowercase<First>
    ? `${First}${Snake<Rest>}`
    : `_${Lowercase<First>}${Snake<Rest>}`
  : "";

/** A column that holds how much was consumed of a unit which a usage spells out: by the unit's name. */
export type UsageColumn = Snake<UsagePart>;

/** The parts of a usage with their columns, in the order of the units. */
export const usageParts = partUnits.map(({ part, name }) => ({ part, column: name as UsageColumn }));

/** The columns of `usageParts`. */
export const usageColumns = usageParts.map(({ column }) => column);

/** All columns of a usage: those of its parts, the further units and the traits (domain/vectors.ts). */
export const storedUsage: readonly { readonly column: string; readonly type: "bigint" | "jsonb" }[] = [
  ...usageColumns.map((column) => ({ column, type: "bigint" as const })),
  { column: "more", type: "jsonb" },
  { column: "traits", type: "jsonb" },
];

/** What an entry says of its request beside the usage: the vendor's list price, the end user and the tags. */
export const storedFacts: readonly { readonly column: string; readonly type: "bigint" | "jsonb" | "text" }[] = [
  ...storedUsage,
  { column: "list_price", type: "bigint" },
  { column: "end_user", type: "text" },
  { column: "tags", type: "jsonb" },
];

/** The column of each price that a tariff spells out. */
export const priceColumn = {
  inputNanoUsdPerMtok: "input_price",
  cachedInputNanoUsdPerMtok: "cached_input_price",
  cacheWriteNanoUsdPerMtok: "cache_write_price",
  outputNanoUsdPerMtok: "output_price",
  reasoningNanoUsdPerMtok: "reasoning_price",
  imageNanoUsd: "image_price",
  audioSecondNanoUsd: "audio_second_price",
  characterNanoUsdPerMchar: "character_price",
  requestNanoUsd: "request_price",
} as const satisfies Readonly<Record<PricePart, string>>;

export type PriceColumn = (typeof priceColumn)[PricePart];

/** The prices with their columns. */
export const priceParts = (Object.keys(priceColumn) as PricePart[]).map((part) => ({
  part,
  column: priceColumn[part],
}));

/** The columns of `priceParts`. */
export const priceColumns: readonly PriceColumn[] = Object.values(priceColumn);
