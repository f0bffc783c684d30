import type { Citation } from "../../../modules/chat/neutral/answer.ts";
import { asArray, asCount, asObject, asString, type JsonObject } from "../../../wire/json.ts";

/**
 * The sources of `groundingMetadata`. Places are told in bytes of UTF-8; ours are in characters of the whole text.
 *
 * @param text empty: it was not kept, so the places are not known.
 */
export function citationsOf(metadata: JsonObject, text: string): Citation[] {
  const sources = asArray(metadata.groundingChunks).map((chunk) => {
    const web = asObject(asObject(chunk)?.web) ?? {};
    return { url: asString(web.uri) ?? "", title: asString(web.title) ?? "" };
  });
  const supports = asArray(metadata.groundingSupports);
  if (supports.length === 0) return sources.filter(({ url }) => url !== "");
  const place = placesIn(text);
  return supports.flatMap((raw) => {
    const support = asObject(raw) ?? {};
    const segment = asObject(support.segment) ?? {};
    return asArray(support.groundingChunkIndices).flatMap((index) => {
      const source = sources[asCount(index)];
      if (source === undefined || source.url === "") return [];
      const quote = asString(segment.text);
      if (text === "") return [{ ...source, quote }];
      return [{ ...source, start: place(segment.startIndex), end: place(segment.endIndex), quote }];
    });
  });
}

/** Tells the characters before an offset in bytes. The text is gone over once, however many places are asked for. */
function placesIn(text: string): (offset: unknown) => number {
  /** Characters before each byte, and before the end. */
  let characters: Uint32Array | undefined;
  const build = () => {
    const places = new Uint32Array(Buffer.byteLength(text) + 1);
    let bytes = 0;
    let length = 0;
    for (const character of text) {
      const size = Buffer.byteLength(character);
      places.fill(length, bytes, bytes + size);
      bytes += size;
      length += character.length;
    }
    places[bytes] = length;
    return places;
  };
  return (offset) => {
    characters ??= build();
    return characters[Math.min(asCount(offset), characters.length - 1)] ?? 0;
  };
}
