import { coveringPattern } from "./covered.ts";
import { createNames } from "./names.ts";
import type { PriceTable } from "./price-table.ts";
import type { Channel, Model } from "./types.ts";

/**
 * Adds the models that channels name and only a pattern of the configuration stands for, each like its pattern. Gives the
 * pattern of each.
 */
export function addCovered(
  models: Map<string, Model>,
  aliases: ReadonlyMap<string, string>,
  channels: readonly Channel[],
  table: PriceTable,
): ReadonlyMap<string, string> {
  const names = createNames(models.keys(), aliases);
  const configured = new Map(models);
  const patternOf = new Map<string, string>();
  for (const { model } of channels.flatMap((channel) => channel.models)) {
    const pattern = coveringPattern(model, configured, names);
    if (pattern === undefined || pattern.auto !== null) continue;
    const contextWindowTokens = pattern.contextWindowTokens || windowOf(model, pattern, table);
    models.set(model, { ...pattern, name: model, contextWindowTokens });
    patternOf.set(model, pattern.name);
  }
  return patternOf;
}

/** The context window that the table has of a model; 0: not said, or a pattern's. */
function windowOf(model: string, { ownedBy: vendor }: Model, table: PriceTable): number {
  if (model.endsWith("*")) return 0;
  return table.find({ platform: "", baseUrl: "", upstreamModel: model, model, vendor })?.contextWindowTokens ?? 0;
}
