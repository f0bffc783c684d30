import { asArray, asObject, asString, type JsonObject } from "../../../wire/json.ts";

/**
 * Log probabilities in this dialect's form: parallel lists, and places of the tokens in the text.
 *
 * @param given `logprobs` of a chat choice.
 * @param offset length of the text before, in characters.
 */
export function writeLogprobs(given: unknown, offset: number): JsonObject | null {
  const content = asArray(asObject(given)?.content);
  if (content.length === 0) return null;
  const tokens: string[] = [];
  const token_logprobs: unknown[] = [];
  const top_logprobs: unknown[] = [];
  const text_offset: number[] = [];
  let at = offset;
  for (const raw of content) {
    const one = asObject(raw) ?? {};
    const token = asString(one.token) ?? "";
    tokens.push(token);
    token_logprobs.push(one.logprob ?? null);
    const tops = asArray(one.top_logprobs).map((top) => asObject(top) ?? {});
    top_logprobs.push(Object.fromEntries(tops.map((top) => [asString(top.token) ?? "", top.logprob])));
    text_offset.push(at);
    at += token.length;
  }
  return { tokens, token_logprobs, top_logprobs, text_offset };
}
