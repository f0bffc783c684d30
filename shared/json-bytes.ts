/** The code of an ASCII character. */
export const byteOf = (character: string): number => character.charCodeAt(0);
/** What strings of JSON begin and end with. */
export const quote = byteOf('"');
const backslash = byteOf("\\");
const letterU = byteOf("u");

/** The place of the next byte that is no blank. */
export function afterBlanks(bytes: Buffer, from: number): number {
  let at = from;
  for (let byte = bytes[at]; byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09; byte = bytes[++at]);
  return at;
}

/** The place behind the string that begins here; -1: it has no end. */
export function stringEnd(bytes: Buffer, from: number): number {
  for (let at = bytes.indexOf(quote, from + 1); at >= 0; at = bytes.indexOf(quote, at + 1)) {
    let before = at - 1;
    while (bytes[before] === backslash) before--;
    // An even number of backslashes stand for themselves. The opening quote stops the way back.
    if ((at - before) % 2 === 1) return at + 1;
  }
  return -1;
}

/** The place behind the number or word that begins here; -1: there is none. */
export function scalarEnd(bytes: Buffer, from: number): number {
  let at = from;
  for (let byte = bytes[at]; byte !== undefined && isScalar(byte); byte = bytes[++at]);
  return at > from ? at : -1;
}

/** Digits, letters, and the signs of numbers. */
function isScalar(byte: number): boolean {
  return (
    (byte >= 0x30 && byte <= 0x39) ||
    (byte >= 0x61 && byte <= 0x7a) ||
    byte === 0x2d ||
    byte === 0x2b ||
    byte === 0x2e ||
    byte === 0x45
  );
}

/** The last place up to `to` at which the string that begins at `from` may be cut: between two characters. */
export function cutAt(bytes: Buffer, from: number, to: number): number {
  let cut = to;
  for (let at = bytes.indexOf(backslash, from); at >= 0 && at < cut; ) {
    const end = at + (bytes[at + 1] === letterU ? 6 : 2);
    // The first half of a pair of surrogates goes with the second.
    const half = end - at === 6 && /^[dD][89abAB]/.test(bytes.toString("latin1", at + 2, at + 4));
    if (end > cut || (half && end + 6 > cut)) {
      cut = at;
      break;
    }
    at = bytes.indexOf(backslash, half && bytes[end] === backslash ? end + 6 : end);
  }
  while (((bytes[cut] ?? 0) & 0xc0) === 0x80) cut--;
  return cut;
}
