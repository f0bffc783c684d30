import { asArray, asCount, asObject, asString, type JsonObject } from "../../../domain/json.ts";
import type { Citation } from "../../../domain/neutral/answer.ts";

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
  const bytes = Buffer.from(text);
  const place = (offset: unknown) => bytes.toString("utf8", 0, asCount(offset)).length;
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
