import { asArray, asObject, type JsonObject } from "../domain/json.ts";
import type { JsonPath } from "./splice.ts";

/** An image of a request that is at another host. */
export interface RemoteImage {
  readonly url: string;
  /** Where the address stands; errors name it. */
  readonly at: JsonPath;
  /** Where the picture goes instead. */
  readonly place: JsonPath;
  /** The JSON text that goes there. */
  write(mediaType: string, base64: string): string;
}

type Find = (body: JsonObject) => RemoteImage[];

/** Where each client dialect has its images. A dialect that is not here has none. */
const finders: Readonly<Partial<Record<string, Find>>> = {
  "openai.chat": (body) => inMessages(body, chatImage),
  "anthropic.messages": (body) => inMessages(body, messagesImage),
  "openai.responses": ({ input }) =>
    asArray(input).flatMap((item, i) => {
      const { content, output } = asObject(item) ?? {};
      return [
        ...inParts(content, ["input", i, "content"], responsesImage),
        ...inParts(output, ["input", i, "output"], responsesImage),
      ];
    }),
};

/** The images of a parsed body that must be fetched. */
export function findRemoteImages(dialect: string, body: unknown): RemoteImage[] {
  return finders[dialect]?.(asObject(body) ?? {}) ?? [];
}

type ReadPart = (part: JsonObject, at: JsonPath) => RemoteImage[];

function inMessages({ messages }: JsonObject, read: ReadPart): RemoteImage[] {
  return asArray(messages).flatMap((message, i) =>
    inParts(asObject(message)?.content, ["messages", i, "content"], read),
  );
}

function inParts(parts: unknown, at: JsonPath, read: ReadPart): RemoteImage[] {
  return asArray(parts).flatMap((part, i) => read(asObject(part) ?? {}, [...at, i]));
}

function chatImage({ type, image_url }: JsonObject, at: JsonPath): RemoteImage[] {
  return type === "image_url" ? addressed(asObject(image_url)?.url, [...at, "image_url", "url"]) : [];
}

function responsesImage({ type, image_url }: JsonObject, at: JsonPath): RemoteImage[] {
  return type === "input_image" ? addressed(image_url, [...at, "image_url"]) : [];
}

function messagesImage(part: JsonObject, at: JsonPath): RemoteImage[] {
  if (part.type === "tool_result") return inParts(part.content, [...at, "content"], messagesImage);
  const source = asObject(part.source);
  if (part.type !== "image" || source?.type !== "url" || !isRemote(source.url)) return [];
  const write = (media_type: string, data: string) => JSON.stringify({ type: "base64", media_type, data });
  return [{ url: source.url, at: [...at, "source", "url"], place: [...at, "source"], write }];
}

/** An address that a data URL can take the place of. */
function addressed(url: unknown, at: JsonPath): RemoteImage[] {
  if (!isRemote(url)) return [];
  return [{ url, at, place: at, write: (mediaType, base64) => `"data:${mediaType};base64,${base64}"` }];
}

/** What is neither a data URL nor an address is the dialect's to refuse. */
function isRemote(url: unknown): url is string {
  return typeof url === "string" && ["http:", "https:"].includes(URL.parse(url)?.protocol ?? "");
}
