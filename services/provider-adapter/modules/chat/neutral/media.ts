import type { Note } from "./formats.ts";
import type { FilePart, ImagePart, MediaSource } from "./request.ts";

/** The source of an address: a data URL is taken apart. Undefined for a data URL that is not base64. */
export function sourceOfUrl(url: string): MediaSource | undefined {
  if (!url.startsWith("data:")) return { kind: "url", url };
  const comma = url.indexOf(",");
  const head = url.slice("data:".length, comma);
  if (comma < 0 || !head.endsWith(";base64")) return undefined;
  return { kind: "data", mediaType: head.slice(0, head.indexOf(";")).toLowerCase(), data: url.slice(comma + 1) };
}

/** Types of documents that are words, whatever they are called. */
const wordTypes =
  /^(text\/|application\/(.+\+)?(json|ld\+json|jsonl|x-ndjson|xml|yaml|x-yaml|toml|javascript|typescript|sql|x-sh|x-python|rtf|csv)$)/;

/** The words of a document that is one of words; undefined: it is none, or is not here. */
export function wordsOf(source: MediaSource | { readonly kind: "text"; readonly text: string }): string | undefined {
  if (source.kind === "text") return source.text;
  if (source.kind !== "data" || !wordTypes.test(source.mediaType)) return undefined;
  return Buffer.from(source.data, "base64").toString();
}

/** A document of words for formats that have no names for them: its name stands above it. */
export function namedWordsOf({ source, name }: Pick<FilePart, "source" | "name">): string | undefined {
  const words = wordsOf(source);
  return words === undefined || name === undefined || name === "" ? words : `${name}\n${words}`;
}

/** The address of a source that is not an upload. */
export function urlOfSource(source: Exclude<MediaSource, { kind: "upload" }>): string {
  return source.kind === "url" ? source.url : `data:${source.mediaType};base64,${source.data}`;
}

/** For formats that do not say how closely an image is looked at. */
export function noteDetail({ detail }: ImagePart, note: Note): void {
  if (detail !== undefined && detail !== "auto") note("the detail of images dropped: the upstream's format has none");
}
