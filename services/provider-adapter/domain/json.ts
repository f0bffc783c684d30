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
const maxCount = 1e12;

/** A count: a whole number of 0 or more; 0 for anything else, also for what cannot be one. */
export function asCount(value: unknown): number {
  return typeof value === "number" && value > 0 && value <= maxCount ? Math.floor(value) : 0;
}

/** Parses a JSON text; undefined when it is not valid. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
