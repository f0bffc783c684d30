import type { Grouping } from "../domain/points.ts";

/** By which of the dimensions of a row a sum is grouped or filtered. */
export interface Dimensions {
  /** The model and its module: what a model serves is nearly always one. */
  readonly model: boolean;
  readonly channel: boolean;
  readonly key: boolean;
  /** How failed requests ended. Those that succeeded have no rows by it. */
  readonly outcome: boolean;
}

/** The bit of grains by key, and of those by outcome. */
const [keyBit, outcomeBit] = [4, 8];

/** The grain of days that answers: bit 0 by model, bit 1 by channel, bit 2 by key, bit 3 by outcome. */
export function dayGrain({ model, channel, key, outcome }: Dimensions): number {
  return Number(model) + 2 * Number(channel) + keyBit * Number(key) + outcomeBit * Number(outcome);
}

/** Grains of days, of which those of keys are kept where they are few enough. */
export const dayGrainsSql = "generate_series(0, 15)";
/**
 * Grains of hours. By key there is the finest alone, for rows by key are many, and of all accounts together (account 0) that
 * by key alone.
 */
export const hourGrainsSql = "(values (0), (1), (2), (3), (4), (7), (8), (9), (10), (11), (12), (15))";

/** The grain of hours that answers; of all accounts there may be none by key and more. */
export function hourGrain(accountId: bigint, dimensions: Dimensions): number {
  const finest = dimensions.key && (accountId !== 0n || dimensions.model || dimensions.channel);
  return dayGrain(finest ? { ...dimensions, model: true, channel: true } : dimensions);
}

/** Whether a row of status 4 or 5 has a part in grain `g.grain`; `byKey`: whether there are grains by key. */
export function inGrainSql(status: string, byKey: string): string {
  return `(g.grain & ${keyBit} = 0 or ${byKey}) and (g.grain < ${outcomeBit} or ${status} = 5)`;
}

/** The key that a row stands under in grain `g.grain`: 0 where the grain does not tell keys apart. */
export const grainKeySql = (keyId: string): string => `case when g.grain & ${keyBit} = 0 then 0 else ${keyId} end`;
/** The outcome that a row stands under in grain `g.grain`: 0 where the grain does not tell outcomes apart. */
export const grainOutcomeSql = (outcomeId: string): string =>
  `case when g.grain < ${outcomeBit} then 0 else ${outcomeId} end`;

/** The dimensions of a question. */
export function dimensionsOf(
  named: { readonly model: boolean; readonly channel: boolean },
  groupBy: Grouping,
  filter: { readonly keyId?: bigint | undefined; readonly outcomeIds?: readonly number[] | undefined },
): Dimensions {
  return {
    model: named.model || groupBy === "model" || groupBy === "module",
    channel: named.channel || groupBy === "channel",
    key: filter.keyId !== undefined || groupBy === "key",
    outcome: filter.outcomeIds !== undefined,
  };
}

/** The shape that a row of grain `g.grain` stands under, with history.usage_shape as `shape`. */
export function grainIdSql(shapeId: string): string {
  return `coalesce(case g.grain & 3 when 0 then 0 when 1 then shape.model_id when 2 then shape.channel_id else shape.pair_id end,
           ${shapeId})`;
}
