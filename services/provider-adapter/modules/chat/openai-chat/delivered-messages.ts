import { estimateTextTokens } from "../../../../../shared/estimate/text.ts";
import { asArray, asObject, asString, type JsonObject } from "../../../wire/json.ts";
import { textOf } from "../../../wire/too-deep.ts";
import { imageTokens } from "../neutral/delivered.ts";
import type { Delivered } from "../neutral/usage.ts";
import { contentOf, thinkingOf } from "./vendor-words.ts";

/** Tokens of what the choices of a whole completion deliver, by the platform's estimate. */
export function deliveredMessages(choices: readonly JsonObject[]): Delivered {
  let visible = 0;
  let thinking = 0;
  for (const choice of choices) {
    const message = asObject(choice.message) ?? asObject(choice.delta) ?? {};
    const content = contentOf(message.content);
    thinking += estimateTextTokens(thinkingOf(message) + content.thinking);
    visible += estimateTextTokens(content.text) + tokensOf(message.refusal);
    visible += tokensOf(asObject(message.audio)?.transcript) + imageTokens * asArray(message.images).length;
    visible += callTokens(asObject(message.function_call));
    for (const raw of asArray(message.tool_calls)) {
      const call = asObject(raw) ?? {};
      visible += callTokens(asObject(call.custom) ?? asObject(call.function));
    }
  }
  return { visible, thinking };
}

function callTokens(call: JsonObject | undefined): number {
  return tokensOf(call?.name) + tokensOf(call?.arguments) + tokensOf(call?.input);
}

/** Arguments are a text, or the object itself at some vendors. */
function tokensOf(value: unknown): number {
  return estimateTextTokens(typeof value === "object" && value !== null ? textOf(value) : (asString(value) ?? ""));
}
