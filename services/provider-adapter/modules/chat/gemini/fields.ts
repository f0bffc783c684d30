import { asObject, type JsonObject } from "../../../wire/json.ts";

/**
 * A field by its name. The format is protobuf's JSON: every field may be spelt in snake case, too, and the vendor's own
 * examples do so.
 */
export function field(object: JsonObject | undefined, name: string): unknown {
  return object?.[name] ?? object?.[snake(name)] ?? undefined;
}

/** A field that is an object; undefined where it is none. */
export function objectField(object: JsonObject | undefined, name: string): JsonObject | undefined {
  return asObject(field(object, name));
}

/** A field that is a number; undefined where it is none. */
export function numberField(object: JsonObject | undefined, name: string): number | undefined {
  const value = field(object, name);
  return typeof value === "number" ? value : undefined;
}

/** `maxOutputTokens` as `max_output_tokens`. */
export function snake(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
