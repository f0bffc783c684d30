import { parseJson } from "./json.ts";

declare global {
  /* ECMAScript's "JSON.parse source text access", which Node has and TypeScript's libraries do not name yet. */
  interface JSON {
    /** A value that JSON.stringify writes as this text. */
    rawJSON(text: string): object;
    isRawJSON(value: unknown): boolean;
  }
}

/** What a number that a double cannot hold looks like: sixteen digits and more, or an exponent of three. */
const longNumber = /\d{16}|\d[eE]\+?\d{3}/;

/** Whether the text may have a number that JSON.parse would change. A search; most texts have none. */
export function mayHaveLongNumbers(text: string): boolean {
  return longNumber.test(text);
}

/**
 * Parses a JSON text of which parts are written again: whole numbers that a double cannot hold stay as they are written.
 * A tool's `{"id": 767212140985061376}` would otherwise arrive as 767212140985061400. Such a number is an opaque value
 * that JSON.stringify knows, so this is for what is carried on, not for what is counted with. Undefined when not valid.
 */
export function parseExact(text: string): unknown {
  if (!mayHaveLongNumbers(text)) return parseJson(text);
  try {
    const value: unknown = JSON.parse(text, exact);
    return JSON.isRawJSON(value) ? parseJson(text) : value;
  } catch {
    return undefined;
  }
}

function exact(_name: string, value: unknown, context?: { readonly source?: string }): unknown {
  const source = context?.source;
  if (typeof value !== "number" || source === undefined) return value;
  const changed = Number.isInteger(value) ? !Number.isSafeInteger(value) : !Number.isFinite(value);
  return changed ? JSON.rawJSON(source) : value;
}
