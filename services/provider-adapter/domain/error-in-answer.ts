import { asObject, type JsonObject } from "../wire/json.ts";

/** What an OpenAI-like answer or chunk says instead of one: an error object, or the text that some vendors give alone. */
export function errorIn(answer: JsonObject): JsonObject | undefined {
  const { error } = answer;
  return asObject(error) ?? (typeof error === "string" && error !== "" ? { message: error } : undefined);
}
