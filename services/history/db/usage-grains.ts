import type { Grouping } from "../domain/points.ts";

/** By which of the dimensions of a row a sum is grouped or filtered. */
export interface Dimensions {
  /** The model and its module: what a model serves is nearly always one. */
  readonly model: boolean;
  readonly channel: boolean;
  readonly key: boolean;
}

/** The grain of days that answers: bit 0 by model, bit 1 by channel, bit 2 by key. */
export function dayGrain({ model, channel, key }: Dimensions): number {
  return Number(model) + 2 * Number(channel) + 4 * Number(key);
}

/** Grains of days, of which those of keys are kept where they are few enough. */
export const dayGrainsSql = "generate_series(0, 7)";
/** Grains of hours. By key there is the finest alone, for rows by key are many. */
export const hourGrainsSql = "(values (0), (1), (2), (3), (7))";

/** The grain of hours that answers. */
export function hourGrain(dimensions: Dimensions): number {
  return dimensions.key ? 7 : dayGrain(dimensions);
}

/** The dimensions of a question. */
export function dimensionsOf(
  named: { readonly model: boolean; readonly channel: boolean },
  groupBy: Grouping,
  byKey: boolean,
): Dimensions {
  return {
    model: named.model || groupBy === "model" || groupBy === "module",
    channel: named.channel || groupBy === "channel",
    key: byKey || groupBy === "key",
  };
}

/** The shape that a row of grain `g.grain` stands under, with history.usage_shape as `shape`. */
export function grainIdSql(shapeId: string): string {
  return `coalesce(case g.grain & 3 when 0 then 0 when 1 then shape.model_id when 2 then shape.channel_id else shape.pair_id end,
           ${shapeId})`;
}
