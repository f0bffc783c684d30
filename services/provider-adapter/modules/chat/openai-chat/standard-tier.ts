import type { Prices } from "../../../../../shared/money/prices.ts";
import type { OpenaiFlavour } from "../../../domain/flavour.ts";
import { nameOf } from "../../../domain/notes.ts";
import { isTierPriced, mayBeDearer, tierAs } from "../../../domain/service-tier.ts";
import { parseJson } from "../../../wire/json.ts";
import type { Note } from "../neutral/formats.ts";

/**
 * The standard tier in place of one that costs more than is charged (OpenAI: "priority" about twice the model's price,
 * "ultrafast" six times): a request is charged the model's price, unless the strategy has prices for the tier. `flex` costs
 * less and stays.
 *
 * @param text the field as it would be sent; undefined: it is not there.
 */
export function standardTier(
  { premium }: Pick<OpenaiFlavour, "premium">,
  prices: Prices | undefined,
  text: string | undefined,
  note: Note,
): Readonly<Record<string, string>> {
  if (premium || text === undefined) return {};
  const tier = parseJson(text);
  if (typeof tier !== "string" || !mayBeDearer(tier)) return {};
  if (isTierPriced(prices, tierAs(tier))) return {};
  note(`service_tier ${nameOf(tier)} became default: it costs more than the model's price`);
  return { service_tier: JSON.stringify("default") };
}
