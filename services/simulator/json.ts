/** A JSON object of unknown content. */
export type Json = Readonly<Record<string, unknown>>;

/** An object that is not an array. */
export function isObject(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The value as an object; an empty one if it is none. */
export function objectOf(value: unknown): Json {
  return isObject(value) ? value : {};
}

/** The value as an array; an empty one if it is none. */
export function arrayOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

/** The value as a string; empty if it is none. */
export function stringOf(value: unknown): string {
  return typeof value === "string" ? value : "";
}

/** The value as a whole number from 0 up; undefined if it is none. */
export function countOf(value: unknown): number | undefined {
  return typeof value === "number" && Number.isInteger(value) && value >= 0 ? value : undefined;
}

/** The JSON object in a text; an empty one where the text was cut. */
export function parsedObject(text: string): Json {
  try {
    return objectOf(JSON.parse(text));
  } catch {
    return {};
  }
}
