/*
 * What the text of a chunk says, found by searches: most chunks of a stream are passed on without being parsed.
 */

const finishMark = '"finish_reason"';
const contentMark = '"content"';
const roleMark = '"role"';
const indexMark = '"index"';

/**
 * Whether a chunk has a value other than null for a name. OpenAI sends `"usage":null` on every chunk but the last; inside a
 * text the name's closing quote would stand behind a backslash.
 */
export function says(data: string, quotedName: string): boolean {
  const at = data.indexOf(quotedName);
  if (at < 0) return false;
  const next = valueAt(data, at + quotedName.length);
  return !data.startsWith("null", next) || data.indexOf(quotedName, next) >= 0;
}

/** Whether a chunk leaves out where it belongs, or who speaks: strict clients take neither. */
export function lacksFrame(data: string): boolean {
  if (!data.includes(indexMark)) return true;
  const at = data.indexOf(roleMark);
  return at >= 0 && data.startsWith('""', valueAt(data, at + roleMark.length));
}

/** Whether the content is a list, as Mistral sends thinking. */
export function hasChunks(data: string): boolean {
  const at = data.indexOf(contentMark);
  return at >= 0 && data.charCodeAt(valueAt(data, at + contentMark.length)) === 0x5b;
}

/** The first finish reason that a chunk says; empty: none. Most chunks say null, so the search ends with the second look. */
export function finishIn(data: string): string {
  for (let at = data.indexOf(finishMark); at >= 0; at = data.indexOf(finishMark, at + 1)) {
    const value = valueAt(data, at + finishMark.length);
    if (data.charCodeAt(value) === 0x22) return data.slice(value + 1, data.indexOf('"', value + 1));
  }
  return "";
}

/** Where the value begins behind a name that ends at `at`: Python's servers write a space behind the colon. */
function valueAt(data: string, at: number): number {
  let next = at;
  while (data.charCodeAt(next) === 0x20 || data.charCodeAt(next) === 0x3a) next++;
  return next;
}
