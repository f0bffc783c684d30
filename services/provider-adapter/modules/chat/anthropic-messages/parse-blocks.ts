import { asArray, asObject, asString, type JsonObject } from "../../../wire/json.ts";
import type { Note } from "../neutral/formats.ts";
import { cannotExpress, notValid } from "../neutral/refuse.ts";
import { asReminder } from "../neutral/reminder.ts";
import type { FilePart, ImagePart, MediaSource, Message, Part, TextPart } from "../neutral/request.ts";
import { parseSignature } from "../neutral/signature.ts";
import { messagesFormat } from "./format-name.ts";

/** What reading a request needs to know beside the block at hand. */
interface Reading {
  /** Names of the tools by the IDs of their calls. */
  readonly names: Map<string, string>;
  readonly note: Note;
}

/** The turns of a request, for a format other than the vendor's own; `system` comes first. */
export function parseMessages(body: JsonObject, note: Note): Message[] {
  const reading: Reading = { names: new Map(), note };
  const messages: Message[] = [];
  const system = parseContent(body.system, "system", reading);
  if (system.length > 0) messages.push({ role: "system", parts: system, at: "system" });
  for (const [index, raw] of asArray(body.messages).entries()) {
    const message = asObject(raw) ?? {};
    const at = `messages[${index}]`;
    const { role } = message;
    if (role !== "user" && role !== "assistant" && role !== "system") {
      throw notValid(`${at}.role`, "must be user, assistant or system");
    }
    const parts = parseContent(message.content, `${at}.content`, reading, role === "assistant");
    // All of the turn was the vendor's own work.
    if (role === "assistant" && parts.length === 0 && asArray(message.content).length > 0) continue;
    messages.push({ role, parts, at });
  }
  return messages;
}

function parseContent(content: unknown, at: string, reading: Reading, isAssistants = false): Part[] {
  if (typeof content === "string") return content === "" ? [] : [{ type: "text", text: content, at }];
  const parts = asArray(content).flatMap((raw, index): Part[] => {
    const block = asObject(raw) ?? {};
    const place = `${at}[${index}]`;
    const part = parseBlock(block, place, reading);
    const context = block.type === "document" ? asString(block.context) : undefined;
    // Other formats have no field that says what a document is about, so its context goes as words before it.
    const before: Part[] = context ? [{ type: "text", text: context, at: `${place}.context` }] : [];
    if (part.type !== "native") return [...before, part];
    const text = wordsOf(block);
    if (text !== undefined) return [...before, { type: "text", text, at: place, cache: asObject(block.cache_control) }];
    // The text that follows tells what the vendor's own tools did.
    if (!isAssistants) return [part];
    reading.note(`${place} left out: a trace of another vendor's own work`);
    return [];
  });
  return parts.some((part) => part.type === "thinking" && part.text === "") ? signCalls(parts) : parts;
}

/** A foreign signature without thinking was put before the call that it belongs to (see write-answer.ts). */
function signCalls(parts: readonly Part[]): Part[] {
  const signed: Part[] = [];
  for (const part of parts) {
    const last = signed.at(-1);
    if (
      part.type === "tool_call" &&
      last?.type === "thinking" &&
      last.text === "" &&
      last.signature !== undefined &&
      last.signature.origin !== messagesFormat
    ) {
      signed[signed.length - 1] = { ...part, signature: last.signature };
    } else signed.push(part);
  }
  return signed;
}

/** A block that other formats do not have, in words; undefined: it has none. */
function wordsOf(block: JsonObject): string | undefined {
  const inner = () =>
    asArray(block.content)
      .map((piece) => asString(asObject(piece)?.text) ?? "")
      .join("\n");
  switch (block.type) {
    case "search_result":
      return [asString(block.title), asString(block.source), inner()].filter(Boolean).join("\n");
    case "document": {
      const { content } = asObject(block.source) ?? {};
      return asString(content) ?? wordsOf({ type: "search_result", title: block.title, content });
    }
    // This block stands for the turns before it.
    case "compaction":
      return asString(block.content) || undefined;
    case "mid_conv_system":
      return asReminder(inner());
    case "tool_reference":
      return `Tool: ${asString(block.tool_name) ?? ""}`;
    default:
      return undefined;
  }
}

function parseBlock(block: JsonObject, at: string, reading: Reading): Part {
  const { names } = reading;
  const cache = asObject(block.cache_control);
  switch (block.type) {
    case "text":
      return { type: "text", text: asString(block.text) ?? "", at, cache };
    case "image":
      return { type: "image", source: parseSource(asObject(block.source) ?? {}, `${at}.source`), at, cache };
    case "document":
      return parseDocument(block, at);
    case "tool_use": {
      const id = asString(block.id) ?? "";
      const name = asString(block.name) ?? "";
      names.set(id, name);
      return { type: "tool_call", id, name, input: JSON.stringify(block.input ?? {}), custom: false, at, cache };
    }
    case "tool_result": {
      const callId = asString(block.tool_use_id) ?? "";
      const content = parseContent(block.content, `${at}.content`, reading).map(resultPart);
      const isError = block.is_error === true;
      return { type: "tool_result", callId, name: names.get(callId) ?? "", content, isError, at, cache };
    }
    case "thinking": {
      const signature = parseSignature(asString(block.signature), messagesFormat);
      return { type: "thinking", text: asString(block.thinking) ?? "", signature, at };
    }
    case "redacted_thinking": {
      const signature = parseSignature(asString(block.data), messagesFormat) ?? { origin: messagesFormat, value: "" };
      return { type: "redacted_thinking", signature, at };
    }
    default:
      return { type: "native", format: messagesFormat, value: block, at };
  }
}

function resultPart(part: Part): TextPart | ImagePart | FilePart {
  if (part.type === "text" || part.type === "image" || part.type === "file") return part;
  throw cannotExpress(part.at, "its format has no such content in the result of a tool");
}

function parseSource(source: JsonObject, at: string): MediaSource {
  switch (source.type) {
    case "base64":
      return { kind: "data", mediaType: asString(source.media_type) ?? "", data: asString(source.data) ?? "" };
    case "url":
      return { kind: "url", url: asString(source.url) ?? "" };
    case "file":
      return { kind: "upload", id: asString(source.file_id) ?? "" };
    default:
      throw notValid(`${at}.type`, "must be base64, url or file");
  }
}

function parseDocument(block: JsonObject, at: string): Part {
  const source = asObject(block.source) ?? {};
  const name = asString(block.title);
  const cache = asObject(block.cache_control);
  if (source.type === "text") {
    return { type: "file", source: { kind: "text", text: asString(source.data) ?? "" }, name, at, cache };
  }
  if (source.type === "content") return { type: "native", format: messagesFormat, value: block, at };
  return { type: "file", source: parseSource(source, `${at}.source`), name, at, cache };
}
