/** What a part of a message is that does not count by its text. */
export type MediaKind = "image" | "audio" | "document";

/** Tokens of one image: OpenAI's largest tiling (85 + 170 x 8 tiles) rounded up; its size is not known here. */
const imageTokens = 1_600;
/** Tokens of an image that is looked at as one small tile. */
const lowDetailTokens = 85;
/** Tokens of one audio or file part whose length is not known here (a URL, an uploaded file). */
const attachmentTokens = 2_000;
/** Most tokens that are believed of one attachment: a hundred dense pages. */
const maxAttachmentTokens = 200_000;
/** Base64 characters of a token: a page of PDF is at least 60 kB for about 2,000; a second of MP3 11 kB for about 10. */
const base64PerToken = { document: 30, audio: 1_000 };

/** The parts of all dialects that are not counted by their text. */
const kinds: Readonly<Record<string, MediaKind>> = {
  image: "image",
  image_url: "image",
  input_image: "image",
  input_audio: "audio",
  audio_url: "audio",
  // A film's length is not known here either.
  video_url: "document",
  video: "document",
  file_url: "document",
  document_url: "document",
  document: "document",
  file: "document",
  input_file: "document",
};

/** The medium of an object; undefined: it counts by its text. A document that is given as text or parts counts by them. */
export function mediaKindOf(value: object): MediaKind | undefined {
  const type = typeOf(value);
  if (type === "") return kindOfData(value);
  if (!Object.hasOwn(kinds, type)) return undefined;
  const kind = kinds[type];
  const source = kind === "document" ? typeOf(Reflect.get(value, "source")) : "";
  return source === "text" || source === "content" ? undefined : kind;
}

/** Fields of Gemini's parts that hold a medium or its address, in both spellings. */
const dataFields = ["inlineData", "inline_data", "fileData", "file_data"] as const;

/** What a part of Gemini's is: it says no type of its own, but that of its data. */
function kindOfData(value: object): MediaKind | undefined {
  for (const name of dataFields) {
    const data: unknown = Reflect.get(value, name);
    if (typeof data !== "object" || data === null) continue;
    const type: unknown = Reflect.get(data, "mimeType") ?? Reflect.get(data, "mime_type");
    if (typeof type !== "string") return "document";
    return type.startsWith("image/") ? "image" : type.startsWith("audio/") ? "audio" : "document";
  }
  return undefined;
}

function typeOf(value: unknown): string {
  const type: unknown = typeof value === "object" && value !== null ? Reflect.get(value, "type") : undefined;
  return typeof type === "string" ? type : "";
}

/** The medium of a text that holds base64 data where no medium is expected; undefined: the text is words. */
export function dataKindOf(text: string): MediaKind | undefined {
  if (!text.startsWith("data:")) return undefined;
  // The head of such a text is short: it is not looked for in megabytes of words.
  const head = text.slice(0, maxHeadLength);
  if (!head.includes(";base64,")) return undefined;
  if (head.startsWith("data:image/")) return "image";
  return head.startsWith("data:audio/") ? "audio" : "document";
}

const maxHeadLength = 200;

/** Tokens of a text of base64 data. */
export function dataTokens(kind: MediaKind, text: string): number {
  return kind === "image" ? imageTokens : bounded(text.length / base64PerToken[kind]);
}

/** Tokens of a part: of an image by how closely it is looked at, of others by their longest string, their data or address. */
export function mediaTokens(kind: MediaKind, part: object): number {
  if (kind === "image") return isLowDetail(part) ? lowDetailTokens : imageTokens;
  let longest = 0;
  const stack: unknown[] = [part];
  while (stack.length > 0) {
    const next = stack.pop();
    if (typeof next === "string") longest = Math.max(longest, next.length);
    else if (typeof next === "object" && next !== null) for (const item of Object.values(next)) stack.push(item);
  }
  return bounded(longest / base64PerToken[kind]);
}

function bounded(tokens: number): number {
  return Math.min(maxAttachmentTokens, Math.max(attachmentTokens, Math.ceil(tokens)));
}

function isLowDetail(part: object): boolean {
  const inner: unknown = Reflect.get(part, "image_url");
  const place = typeof inner === "object" && inner !== null ? inner : part;
  return Reflect.get(place, "detail") === "low";
}
