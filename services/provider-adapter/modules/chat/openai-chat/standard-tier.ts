import type { OpenaiFlavour } from "../../../domain/flavour.ts";
import { parseJson } from "../../../wire/json.ts";
import type { Note } from "../neutral/formats.ts";

/**
 * The standard tier in place of the one that costs about twice the model's price (OpenAI, "Priority processing"): a request
 * is charged the model's price. `flex` costs less and stays. `given` tells the text of a field; absent: undefined.
 */
export function standardTier(
  { premium }: Pick<OpenaiFlavour, "premium">,
  given: (field: string) => string | undefined,
  note: Note,
): Readonly<Record<string, string>> {
  const text = premium ? undefined : given("service_tier");
  if (text === undefined || parseJson(text) !== "priority") return {};
  note("service_tier priority became default: it costs more than the model's price");
  return { service_tier: JSON.stringify("default") };
}
