import { asArray, asObject, asString, type JsonObject } from "../../../wire/json.ts";
import type { Note } from "../neutral/formats.ts";
import { sourceOfUrl } from "../neutral/media.ts";
import { cannotExpress, notValid } from "../neutral/refuse.ts";
import type { FilePart, ImagePart, Message, Part, TextPart, ToolResultPart } from "../neutral/request.ts";
import type { Signature } from "../neutral/signature.ts";
import { cacheOf } from "../openai-chat/parse-parts.ts";
import { parseEncryptedContent } from "./encrypted-content.ts";
import { responsesFormat } from "./format-name.ts";
import type { Namespaces } from "./namespaces.ts";

/** Traces of the vendor's own tools: what they found or made stands in the text that follows. */
const traces: ReadonlySet<unknown> = new Set([
  ...["web_search_call", "file_search_call", "code_interpreter_call", "image_generation_call"],
  ...["mcp_call", "mcp_list_tools", "mcp_approval_request", "mcp_approval_response"],
  ...["tool_search_call", "tool_search_output", "compaction"],
]);

interface Reading {
  readonly messages: Message[];
  /** Names of the tools by the IDs of their calls. */
  readonly names: Map<string, string>;
  /** What the next call was signed with. */
  signature: Signature | undefined;
  /** Parts of the assistant's newest turn, which grow while that turn is the last. */
  turn: Part[];
  readonly namespaces: Namespaces;
  readonly note: Note;
}

/** The turns of a request: `instructions` first, then `input`. What an assistant did in one turn is one message. */
export function parseInput(body: JsonObject, namespaces: Namespaces, note: Note): Message[] {
  const reading: Reading = { messages: [], names: new Map(), signature: undefined, turn: [], namespaces, note };
  const { instructions, input } = body;
  if (typeof instructions === "string" && instructions !== "") {
    const parts: Part[] = [{ type: "text", text: instructions, at: "instructions" }];
    reading.messages.push({ role: "system", parts, at: "instructions" });
  }
  if (typeof input === "string") {
    reading.messages.push({ role: "user", parts: [{ type: "text", text: input, at: "input" }], at: "input" });
  }
  for (const [index, item] of asArray(input).entries()) readItem(asObject(item) ?? {}, `input[${index}]`, reading);
  return reading.messages;
}

function readItem(item: JsonObject, at: string, reading: Reading): void {
  const type = asString(item.type) ?? "message";
  switch (type) {
    case "message":
      readMessage(item, at, reading);
      return;
    case "function_call":
    case "custom_tool_call": {
      const custom = type === "custom_tool_call";
      const id = asString(item.call_id) ?? "";
      const name = reading.namespaces.flatName(asString(item.name) ?? "", asString(item.namespace));
      const input = asString(custom ? item.input : item.arguments) ?? "";
      reading.names.set(id, name);
      assistant(reading, at, { type: "tool_call", id, name, input, custom, signature: reading.signature, at });
      reading.signature = undefined;
      return;
    }
    case "function_call_output":
    case "custom_tool_call_output":
      reading.messages.push({ role: "user", parts: [readResult(item, at, reading)], at });
      return;
    case "reasoning":
      readReasoning(item, at, reading);
      return;
    case "item_reference":
      if (asString(item.id)?.startsWith("rs_")) {
        reading.note("thinking of earlier turns dropped: it is referred to, and not kept here");
        return;
      }
      throw notValid(
        at,
        "refers to an item that is not kept here: send the item itself, or set store: false in your SDK so that it does",
      );
    default:
      if (traces.has(type)) reading.note(`${at} dropped: a trace of another vendor's tool`);
      else assistant(reading, at, { type: "native", format: responsesFormat, value: item, at });
  }
}

/** Puts a part into the assistant's turn that is under way, or begins one. */
function assistant(reading: Reading, at: string, part: Part): void {
  if (reading.messages.at(-1)?.role !== "assistant") {
    reading.turn = [];
    reading.messages.push({ role: "assistant", parts: reading.turn, at });
  }
  reading.turn.push(part);
}

function readMessage(item: JsonObject, at: string, reading: Reading): void {
  const parts = parseContent(item.content, `${at}.content`);
  switch (item.role) {
    case "assistant":
      for (const part of parts) assistant(reading, at, part);
      return;
    case "user":
      reading.messages.push({ role: "user", parts, at });
      return;
    case "system":
    case "developer":
      reading.messages.push({ role: "system", parts, at });
      return;
    default:
      throw notValid(`${at}.role`, "is not a known role");
  }
}

function readReasoning(item: JsonObject, at: string, reading: Reading): void {
  const found = parseEncryptedContent(asString(item.encrypted_content));
  const texts = [...asArray(item.summary), ...asArray(item.content)];
  const text = texts.map((part) => asString(asObject(part)?.text) ?? "").join("\n\n");
  if (found?.kind === "call") reading.signature = found.signature;
  else if (found?.kind === "redacted") {
    assistant(reading, at, { type: "redacted_thinking", signature: found.signature, at });
  } else if (text !== "" || found !== undefined) {
    assistant(reading, at, { type: "thinking", text, signature: found?.signature, at });
  }
}

function readResult(item: JsonObject, at: string, { names }: Reading): ToolResultPart {
  const callId = asString(item.call_id) ?? "";
  const content = parseContent(item.output, `${at}.output`).map((part) => {
    if (part.type === "text" || part.type === "image" || part.type === "file") return part;
    throw cannotExpress(part.at, "it cannot stand in the result of a tool");
  });
  return { type: "tool_result", callId, name: names.get(callId) ?? "", content, isError: false, at };
}

function parseContent(content: unknown, at: string): Part[] {
  if (typeof content === "string") return [{ type: "text", text: content, at }];
  return asArray(content).map((part, index) => parsePart(asObject(part) ?? {}, `${at}[${index}]`));
}

function parsePart(part: JsonObject, at: string): Part {
  switch (part.type) {
    case "input_text":
    case "output_text":
    case "text":
      return { ...textPart(part.text, at), cache: cacheOf(part) };
    case "refusal":
      return textPart(part.refusal, at);
    case "input_image":
      return parseImage(part, at);
    case "input_file":
      return parseFile(part, at);
    case "input_audio": {
      const audio = asObject(part.input_audio) ?? {};
      return { type: "audio", data: asString(audio.data) ?? "", format: asString(audio.format) ?? "wav", at };
    }
    default:
      throw notValid(`${at}.type`, "is not a known kind of content");
  }
}

function textPart(text: unknown, at: string): TextPart {
  return { type: "text", text: asString(text) ?? "", at };
}

function parseImage(part: JsonObject, at: string): ImagePart {
  const id = asString(part.file_id);
  const detail = asString(part.detail);
  const cache = cacheOf(part);
  if (id) return { type: "image", source: { kind: "upload", id }, detail, at, cache };
  const source = sourceOfUrl(asString(part.image_url) ?? "");
  if (source === undefined) throw notValid(`${at}.image_url`, "must be an http(s) or a base64 data URL");
  // "original" is newer than what other formats know.
  return { type: "image", source, detail: detail === "original" ? "high" : detail, at, cache };
}

function parseFile(part: JsonObject, at: string): FilePart {
  const name = asString(part.filename);
  const id = asString(part.file_id);
  const cache = cacheOf(part);
  if (id) return { type: "file", source: { kind: "upload", id }, name, at, cache };
  const url = asString(part.file_url);
  if (url) return { type: "file", source: { kind: "url", url }, name, at, cache };
  const data = asString(part.file_data) ?? "";
  const source = data.startsWith("data:")
    ? sourceOfUrl(data)
    : ({ kind: "data", mediaType: "application/pdf", data } as const);
  if (data === "" || source === undefined) throw notValid(`${at}.file_data`, "must be base64 or a base64 data URL");
  return { type: "file", source, name, at, cache };
}
