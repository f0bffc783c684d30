import { estimateTextTokens } from "../../../../../shared/estimate/text.ts";
import { asArray, asObject, asString, type JsonObject } from "../../../wire/json.ts";
import { imageTokens } from "../neutral/delivered.ts";
import type { Delivered } from "../neutral/usage.ts";

/** Tokens of what the items of a whole response deliver, by the platform's estimate. */
export function deliveredItems(response: JsonObject): Delivered {
  let visible = 0;
  let thinking = 0;
  const tokens = (text: unknown) => estimateTextTokens(asString(text) ?? "");
  for (const raw of asArray(response.output)) {
    const item = asObject(raw) ?? {};
    switch (item.type) {
      case "reasoning":
        for (const part of [...asArray(item.summary), ...asArray(item.content)]) {
          thinking += tokens(asObject(part)?.text);
        }
        break;
      case "function_call":
      case "custom_tool_call":
        visible += tokens(item.name) + tokens(item.arguments) + tokens(item.input);
        break;
      case "image_generation_call":
        if (asString(item.result)) visible += imageTokens;
        break;
      default:
        for (const part of asArray(item.content)) {
          const { text, refusal } = asObject(part) ?? {};
          visible += tokens(text) + tokens(refusal);
        }
    }
  }
  return { visible, thinking };
}
