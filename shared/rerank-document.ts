/** What of a document is ranked: its text, or a picture by its address or data. */
export type RerankDocument = { readonly text: string } | { readonly image: string };

/**
 * What of a client's document is ranked. A string is its own text; of an object it is the fields that the request names, or
 * else its `text`, or else its `image`. Undefined: nothing in it can be ranked.
 *
 * @param rankFields names of the fields that count, in order; none: `text`.
 */
export function rerankDocument(given: unknown, rankFields: readonly string[]): RerankDocument | undefined {
  if (typeof given === "string") return given === "" ? undefined : { text: given };
  if (typeof given !== "object" || given === null) return undefined;
  const read = (name: string): unknown => (Object.hasOwn(given, name) ? Reflect.get(given, name) : undefined);
  if (rankFields.length > 0) {
    const lines = rankFields.flatMap((name) => lineOf(name, read(name)));
    return lines.length === 0 ? undefined : { text: lines.join("\n") };
  }
  const text = read("text");
  if (typeof text === "string" && text !== "") return { text };
  const image = read("image");
  return typeof image === "string" && image !== "" ? { image } : undefined;
}

/** A field as the vendors want structured documents: one line "name: value" each. */
function lineOf(name: string, value: unknown): string[] {
  if (typeof value === "string") return value === "" ? [] : [`${name}: ${value}`];
  return typeof value === "number" || typeof value === "boolean" ? [`${name}: ${value}`] : [];
}
