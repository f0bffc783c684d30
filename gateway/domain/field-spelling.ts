/**
 * Fields that a schema does not check and that the provider reads, in any dialect: prices and vendors' ways go by them.
 */
const readUnchecked = ["service_tier", "speed", "inference_geo", "thinking", "reasoning", "google", "top_k"];

/** Finds fields by their spelling without regard to case. */
export interface Spelling {
  /** The first name that is spelt otherwise than the field that it would be to a parser without regard to case. */
  misspelt(names: Iterable<string>): string | undefined;
}

/**
 * Some parsers, Go's among them, take `"N"` for `"n"`: such a field would be read by the upstream and was neither priced
 * nor limited here.
 *
 * @param fields the names that are read.
 */
export function spellingOf(fields: readonly string[]): Spelling {
  const known = new Set([...fields, ...readUnchecked]);
  const folded = new Set([...known].map(fold));
  return {
    misspelt(names) {
      for (const name of names) if (!known.has(name) && folded.has(fold(name))) return name;
      return undefined;
    },
  };
}

/** Upper case first: there the long s, and then in lower case the Kelvin sign, become the letters that they are read as. */
function fold(name: string): string {
  return name.toUpperCase().toLowerCase();
}
