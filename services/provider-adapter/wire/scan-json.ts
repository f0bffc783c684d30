/** Steps over the bytes of a JSON text that JSON.parse accepts, without parsing what is in them. */

/** The byte `"`. */
export const quote = 0x22;
/** The byte `,`. */
export const comma = 0x2c;
const backslash = 0x5c;

/** Where the value that begins at `from` has ended. Strings are skipped by searching their end. */
export function skipValue(bytes: Buffer, from: number): number {
  let at = from;
  let depth = 0;
  while (at < bytes.length) {
    const byte = bytes[at];
    if (byte === quote) {
      at = skipString(bytes, at);
      if (depth === 0) return at;
      continue;
    }
    if (byte === 0x7b || byte === 0x5b) depth++;
    else if (byte === 0x7d || byte === 0x5d) {
      if (depth === 0) return at;
      depth--;
      if (depth === 0) return at + 1;
    } else if (depth === 0 && (byte === comma || isSpace(byte))) return at;
    at++;
  }
  return at;
}

/** The elements of a list, as slices of its text. None where the text is no list. */
export function elementsOf(list: Buffer): Buffer[] {
  const elements: Buffer[] = [];
  let at = skipSpace(list, 0);
  if (list[at] !== 0x5b) return elements;
  at = skipSpace(list, at + 1);
  while (at < list.length && list[at] !== 0x5d) {
    const end = skipValue(list, at);
    // A text that is no JSON must not hold us here.
    if (end <= at) return elements;
    elements.push(list.subarray(at, end));
    at = skipSpace(list, end);
    if (list[at] === comma) at = skipSpace(list, at + 1);
  }
  return elements;
}

/** Where the string that begins at `from` has ended. */
export function skipString(bytes: Buffer, from: number): number {
  let at = from;
  for (;;) {
    at = bytes.indexOf(quote, at + 1);
    if (at < 0) return bytes.length;
    let slashes = 0;
    while (bytes[at - 1 - slashes] === backslash) slashes++;
    if (slashes % 2 === 0) return at + 1;
  }
}

/** The first byte from `from` on that is not white space. */
export function skipSpace(bytes: Buffer, from: number): number {
  let at = from;
  while (isSpace(bytes[at])) at++;
  return at;
}

/** Whether a byte is JSON's white space. */
export function isSpace(byte: number | undefined): boolean {
  return byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;
}
