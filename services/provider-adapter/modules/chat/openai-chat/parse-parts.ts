import { asArray, asObject, asString, type JsonObject } from "../../../wire/json.ts";
import { sourceOfUrl } from "../neutral/media.ts";
import { notValid } from "../neutral/refuse.ts";
import type { FilePart, ImagePart, Part, TextPart } from "../neutral/request.ts";

/** Where a part of a message asks for prompt caching: Anthropic's field as OpenRouter's clients send it, or OpenAI's own. */
export function cacheOf(part: JsonObject): JsonObject | undefined {
  return (
    asObject(part.cache_control) ??
    (asObject(part.prompt_cache_breakpoint)?.mode === "explicit" ? { type: "ephemeral" } : undefined)
  );
}

/** The parts of a chat message's content: a text or a list. Null and absent content have none. */
export function parseContent(content: unknown, at: string, cache?: JsonObject): Part[] {
  if (typeof content === "string") return [{ type: "text", text: content, at, cache }];
  return asArray(content).map((part, index) => parsePart(asObject(part) ?? {}, `${at}[${index}]`));
}

function parsePart(part: JsonObject, at: string): Part {
  const cache = cacheOf(part);
  switch (part.type) {
    case "text":
      return { type: "text", text: asString(part.text) ?? "", at, cache };
    case "refusal":
      return { type: "text", text: asString(part.refusal) ?? "", at };
    case "image_url": {
      const image = asObject(part.image_url) ?? {};
      const source = sourceOfUrl(asString(image.url) ?? "");
      if (source === undefined) throw notValid(`${at}.image_url.url`, "must be an http(s) or a base64 data URL");
      return { type: "image", source, detail: asString(image.detail), at, cache };
    }
    case "input_audio": {
      const audio = asObject(part.input_audio) ?? {};
      return { type: "audio", data: asString(audio.data) ?? "", format: asString(audio.format) ?? "wav", at };
    }
    case "file":
      return parseFile(asObject(part.file) ?? {}, at, cache);
    case "video_url":
    case "audio_url": {
      const source = sourceOfUrl(addressIn(part[part.type]));
      if (source === undefined) throw notValid(`${at}.${part.type}.url`, "must be an http(s) or a base64 data URL");
      return { type: "clip", medium: part.type === "video_url" ? "video" : "audio", source, at };
    }
    case "file_url":
    case "document_url": {
      const source = sourceOfUrl(addressIn(part[part.type]));
      if (source === undefined) throw notValid(`${at}.${part.type}`, "must be an http(s) or a base64 data URL");
      return { type: "file", source, name: asString(part.document_name), at, cache };
    }
    default:
      throw notValid(`${at}.type`, "is not a known kind of content");
  }
}

/** Vendors give an address as a text or as the `url` of an object. */
function addressIn(value: unknown): string {
  return asString(value) ?? asString(asObject(value)?.url) ?? "";
}

function parseFile(file: JsonObject, at: string, cache: JsonObject | undefined): FilePart {
  const name = asString(file.filename);
  const id = asString(file.file_id);
  if (id) return { type: "file", source: { kind: "upload", id }, name, at, cache };
  const data = asString(file.file_data) ?? "";
  const source = data.startsWith("data:")
    ? sourceOfUrl(data)
    : ({ kind: "data", mediaType: "application/pdf", data } as const);
  if (data === "" || source === undefined) throw notValid(`${at}.file.file_data`, "must be a base64 data URL");
  return { type: "file", source, name, at, cache };
}

/** The parts that a tool's result may have. */
export function parseResultContent(content: unknown, at: string): (TextPart | ImagePart | FilePart)[] {
  const parts: (TextPart | ImagePart | FilePart)[] = [];
  for (const part of parseContent(content, at)) {
    if (part.type === "text" || part.type === "image" || part.type === "file") parts.push(part);
    else throw notValid(`${part.at}.type`, "cannot stand in the result of a tool");
  }
  return parts;
}
