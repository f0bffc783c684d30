import type { Channel, ListPrices, Model, Module, PriceOrigin, Strategy } from "../domain/types.ts";
import type { StrategyRow } from "./schema.ts";

/** JSON whose bigints are text: prices must not pass through a binary fraction. */
export function toJson(value: unknown): string {
  return JSON.stringify(value, (_, part: unknown) => (typeof part === "bigint" ? part.toString() : part));
}

/** A strategy as its row. */
export function strategyToRow({ key, name, origin, prices, customResponse }: Strategy): StrategyRow {
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
    custom_response: customResponse,
  };
}

/** The strategy of a row. Its prices may be text, where the row comes from JSON. */
export function strategyFromRow(row: StrategyRow): Strategy {
  return {
    key: row.key,
    name: row.name,
    origin: row.origin as PriceOrigin,
    prices: pricesOf(row),
    customResponse: row.custom_response,
  };
}

function pricesOf(row: StrategyRow): ListPrices | null {
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
  };
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
