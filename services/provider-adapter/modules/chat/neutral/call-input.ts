import { parseExact } from "../../../wire/exact-json.ts";
import { asObject, type JsonObject } from "../../../wire/json.ts";
import { argumentsOf } from "./custom-tools.ts";

/**
 * The input of a call for formats in which it is an object. Free text stands in one, and so does what a model wrote that is no
 * JSON object: an answer that was cut short, or a model that erred. Clients send such a call back with its result, which
 * tells the model of its error.
 */
export function inputOfCall({ input, custom }: { readonly input: string; readonly custom: boolean }): JsonObject {
  if (custom) return argumentsOf(input);
  return asObject(parseExact(input.trim() === "" ? "{}" : input)) ?? argumentsOf(input);
}
