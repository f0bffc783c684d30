import { asObject, asString, type JsonObject, parseJson } from "../wire/json.ts";

/** Fields of which an answer, or a piece of one, has at least one. */
const answerFields = ["choices", "output", "content", "candidates", "data", "usage"];

/**
 * What an OpenAI-like answer or chunk says instead of one: an error object, the text that some vendors give alone, or the
 * error's own fields without anything around them.
 */
export function errorIn(answer: JsonObject): JsonObject | undefined {
  const { error } = answer;
  const said = asObject(error) ?? (typeof error === "string" && error !== "" ? { message: error } : undefined);
  return said ?? (isFlatError(answer) ? answer : undefined);
}

/** What a server-sent event says that is named "error", whatever its form. */
export function errorOfEvent(data: string): JsonObject {
  const said = asObject(parseJson(data));
  return said === undefined ? { message: data } : (errorIn(said) ?? said);
}

function isFlatError(answer: JsonObject): boolean {
  if (answer.object === "error") return true;
  const isNamed = answer.code !== undefined || answer.type !== undefined || answer.status !== undefined;
  return (
    asString(answer.message) !== undefined && isNamed && !answerFields.some((field) => Object.hasOwn(answer, field))
  );
}
