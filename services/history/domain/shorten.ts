/** Fields and items that stay of an object or an array at least, characters of a string at least. */
const least = 8;
/** How often the limits are lowered before only the beginning of the text is kept. */
const maxRounds = 24;

/**
 * Shortens a JSON document to at most `maxBytes` of UTF-8, and keeps it JSON: long strings, arrays and objects are cut
 * where they are, with a mark that says how much is missing, so that what is short (usage, finish reasons) survives.
 * A text that is no JSON becomes a JSON string of its beginning.
 */
export function shortenJson(text: string, maxBytes: number): string {
  const value = parse(text);
  if (value !== undefined) {
    let limit = Math.max(least, Math.floor(maxBytes / 2));
    for (let round = 0; round < maxRounds; round++) {
      const shorter = stringify(value.json, limit);
      if (shorter === undefined) break;
      if (Buffer.byteLength(shorter) <= maxBytes) return shorter;
      if (limit === least) break;
      limit = Math.max(least, Math.floor(limit / 2));
    }
  }
  return beginning(text, maxBytes);
}

function parse(text: string): { json: unknown } | undefined {
  try {
    return { json: JSON.parse(text) as unknown };
  } catch {
    return undefined;
  }
}

/** Undefined: nested too deeply to be walked. */
function stringify(value: unknown, limit: number): string | undefined {
  try {
    return JSON.stringify(shorten(value, limit));
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

function shorten(value: unknown, limit: number): unknown {
  if (typeof value === "string") return shortenString(value, limit);
  if (Array.isArray(value)) {
    // An item of an array costs at least two bytes, usually more: what a string may have in characters is too much here.
    const items = Math.max(least, Math.floor(limit / 8));
    const kept = value.slice(0, items).map((item) => shorten(item, limit));
    return value.length > items ? [...kept, mark(value.length - items, "items")] : kept;
  }
  if (typeof value === "object" && value !== null) {
    const fields = Math.max(least, Math.floor(limit / 8));
    const entries = Object.entries(value);
    const kept = entries.slice(0, fields).map(([name, field]) => [shortenString(name, limit), shorten(field, limit)]);
    if (entries.length > fields) kept.push(["...", mark(entries.length - fields, "fields")]);
    return Object.fromEntries(kept) as unknown;
  }
  return value;
}

function shortenString(text: string, limit: number): string {
  if (text.length <= limit) return text;
  return `${text.slice(0, limit).toWellFormed()}${mark(text.length - limit, "characters")}`;
}

function mark(missing: number, what: string): string {
  return `...[${missing} more ${what} cut]`;
}

/** The longest beginning of a text whose JSON string, with its mark, fits. */
function beginning(text: string, maxBytes: number): string {
  for (let limit = maxBytes; limit > least; limit = Math.floor(limit * 0.7)) {
    const shorter = JSON.stringify(shortenString(text, limit));
    if (Buffer.byteLength(shorter) <= maxBytes) return shorter;
  }
  return '""';
}
