/** A JSON object of which nothing is known. */
export type JsonObject = { [name: string]: unknown };

/** The value as an object; undefined when it is none. */
export function asObject(value: unknown): JsonObject | undefined {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as JsonObject) : undefined;
}

/** The value as a list; empty when it is none. */
export function asArray(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

/** The value as text; undefined when it is none. */
export function asString(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}

/** Largest count that is believed: no answer has so many tokens, and what billing refuses would never be settled. */
const maxCount = 1e9;

/** A count that was given: a whole number of 0 or more; undefined for anything else, also for what cannot be one. */
export function countOf(value: unknown): number | undefined {
  return typeof value === "number" && Number.isInteger(value) && value >= 0 && value <= maxCount ? value : undefined;
}

/** A count, where none means 0. */
export function asCount(value: unknown): number {
  return countOf(value) ?? 0;
}

/** Parses a JSON text; undefined when it is not valid. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
