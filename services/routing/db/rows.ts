import type { Rate } from "../../../shared/money/prices.ts";
import { unitEntry, unitNamed } from "../../../shared/units.ts";
import type { Channel, DayPart, ListPrices, Model, Module, PriceOrigin, Strategy } from "../domain/types.ts";
import type { StrategyRow } from "./schema.ts";

/** JSON whose bigints are text: prices must not pass through a binary fraction. */
export function toJson(value: unknown): string {
  return JSON.stringify(value, (_, part: unknown) => (typeof part === "bigint" ? part.toString() : part));
}

/** A strategy as its row. */
export function strategyToRow({ key, name, origin, prices, byHour, customResponse, list }: Strategy): StrategyRow {
  return {
    key,
    name,
    origin,
    input_per_mtok: prices?.inputNanoUsdPerMtok ?? null,
    cached_input_per_mtok: prices?.cachedInputNanoUsdPerMtok ?? null,
    cache_write_per_mtok: prices?.cacheWriteNanoUsdPerMtok ?? null,
    output_per_mtok: prices?.outputNanoUsdPerMtok ?? null,
    reasoning_per_mtok: prices?.reasoningNanoUsdPerMtok ?? null,
    per_image: prices?.imageNanoUsd ?? null,
    per_audio_second: prices?.audioSecondNanoUsd ?? null,
    per_mchar: prices?.characterNanoUsdPerMchar ?? null,
    per_request: prices?.requestNanoUsd ?? null,
    rates: prices?.rates === undefined ? null : toJson(prices.rates.map(rateToJson)),
    by_hour: byHour === undefined ? null : toJson(byHour.map(partToJson)),
    custom_response: customResponse,
    list,
  };
}

/** The strategy of a row. Its prices may be text, where the row comes from JSON. */
export function strategyFromRow(row: StoredStrategy): Strategy {
  const hours = fromJson<StoredPart[]>(row.by_hour);
  return {
    key: row.key,
    name: row.name,
    origin: row.origin as PriceOrigin,
    prices: pricesOf(row),
    ...(hours === null ? {} : { byHour: hours.map(partFromJson) }),
    customResponse: row.custom_response,
    list: row.list ?? "",
  };
}

function pricesOf(row: StoredStrategy): ListPrices | null {
  if (row.input_per_mtok === null) return null;
  const price = (value: bigint | null): bigint => BigInt(value ?? 0n);
  return {
    inputNanoUsdPerMtok: price(row.input_per_mtok),
    cachedInputNanoUsdPerMtok: price(row.cached_input_per_mtok),
    cacheWriteNanoUsdPerMtok: price(row.cache_write_per_mtok),
    outputNanoUsdPerMtok: price(row.output_per_mtok),
    reasoningNanoUsdPerMtok: price(row.reasoning_per_mtok),
    imageNanoUsd: price(row.per_image),
    audioSecondNanoUsd: price(row.per_audio_second),
    characterNanoUsdPerMchar: price(row.per_mchar),
    requestNanoUsd: price(row.per_request),
    ...ratesFromJson(fromJson<StoredRate[]>(row.rates)),
  };
}

/** A rate in JSON: units by their names, amounts as text. */
interface StoredRate {
  readonly unit: string;
  readonly nano_usd: string;
  readonly above_input_tokens?: string;
  readonly traits?: Record<string, string>;
}

/** A part of the day in JSON. */
interface StoredPart {
  readonly from_s: number;
  readonly prices: Record<string, string>;
  readonly rates: StoredRate[];
}

/** A strategy's row as it is read, from its table or from the JSON of a channel entered at run time. */
export type StoredStrategy = Omit<StrategyRow, "rates" | "by_hour" | "list"> & {
  // Absent in channels that were stored before there were rates.
  readonly rates?: unknown;
  readonly by_hour?: unknown;
  readonly list?: string;
};

/** A JSON column gives the value, a row inside of another JSON column the text of it. */
function fromJson<V>(value: unknown): V | null {
  if (value === null || value === undefined) return null;
  return (typeof value === "string" ? JSON.parse(value) : value) as V;
}

function rateToJson({ unit, nanoUsd, when }: Rate): StoredRate {
  return {
    unit: unitEntry(unit).name,
    nano_usd: nanoUsd.toString(),
    ...(when === undefined ? {} : { above_input_tokens: when.aboveInputTokens.toString(), traits: when.traits }),
  };
}

function ratesFromJson(stored: readonly StoredRate[] | null): { rates?: Rate[] } {
  if (stored === null || stored.length === 0) return {};
  const rates = stored.map(({ unit: name, nano_usd, above_input_tokens: above, traits }) => {
    const entry = unitNamed(name);
    if (entry === undefined) throw new RangeError(`a strategy has a price of ${name}, which is no unit`);
    const rate = { unit: entry.unit, nanoUsd: BigInt(nano_usd) };
    if (above === undefined) return rate;
    return { ...rate, when: { aboveInputTokens: BigInt(above), traits: traits ?? {} } };
  });
  return { rates };
}

function partToJson({ fromS, prices: { rates = [], ...prices } }: DayPart) {
  return { from_s: fromS, prices, rates: rates.map(rateToJson) };
}

function partFromJson({ from_s: fromS, prices, rates }: StoredPart): DayPart {
  const amounts = Object.fromEntries(Object.entries(prices).map(([name, amount]) => [name, BigInt(amount)]));
  return { fromS, prices: { ...(amounts as unknown as ListPrices), ...ratesFromJson(rates) } };
}

/** A model as its row. */
export function modelToRow(model: Model) {
  return {
    name: model.name,
    module: model.module,
    owned_by: model.ownedBy,
    context_window_tokens: BigInt(model.contextWindowTokens),
    max_output_tokens: BigInt(model.maxOutputTokens),
    capabilities: model.capabilities === null ? null : toJson(model.capabilities),
    strategy: model.strategy,
    auto: model.auto === null ? null : toJson(model.auto),
  };
}

/** The model of a row. */
export function modelFromRow(row: {
  name: string;
  module: string;
  owned_by: string;
  context_window_tokens: bigint;
  max_output_tokens: bigint;
  capabilities: string[] | null;
  strategy: string;
  auto: object | null;
}): Model {
  return {
    name: row.name,
    module: row.module as Module,
    ownedBy: row.owned_by,
    contextWindowTokens: Number(row.context_window_tokens),
    maxOutputTokens: Number(row.max_output_tokens),
    capabilities: row.capabilities as Model["capabilities"],
    strategy: row.strategy,
    auto: row.auto as Model["auto"],
  };
}

/** The channel of a JSON column that `toJson` wrote. */
export function channelFromJson(definition: object): Channel {
  return definition as Channel;
}
