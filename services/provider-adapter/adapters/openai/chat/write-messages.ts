import type { OpenaiFlavour } from "../../../domain/flavour.ts";
import { argumentsOf } from "../../../modules/chat/neutral/custom-tools.ts";
import type { Note } from "../../../modules/chat/neutral/formats.ts";
import { namedWordsOf, urlOfSource } from "../../../modules/chat/neutral/media.ts";
import { cannotExpress } from "../../../modules/chat/neutral/refuse.ts";
import type { Message, Part, TextPart, ToolCallPart, ToolResultPart } from "../../../modules/chat/neutral/request.ts";
import { fitTurns } from "../../../modules/chat/openai-chat/turns.ts";
import { asObject, type JsonObject, parseJson } from "../../../wire/json.ts";

/**
 * The messages of a chat body, in the order that the vendor's template allows. Results of tools become messages of their own,
 * before what the user says in the same turn.
 */
export function writeMessages(messages: readonly Message[], flavour: OpenaiFlavour, note: Note): readonly JsonObject[] {
  const written: JsonObject[] = [];
  for (const message of messages) {
    if (message.parts.some((part) => "cache" in part && part.cache !== undefined)) {
      note("cache_control dropped: this vendor caches by itself");
    }
    if (message.role === "assistant") written.push(writeAssistant(message, flavour, note));
    else if (message.role === "system") {
      written.push({ role: flavour.systemRole, content: joined(message.parts.filter(isText)), ...nameOf(message) });
    } else for (const one of writeUser(message, flavour)) written.push(one);
  }
  return fitTurns(written, flavour.turns, note);
}

function nameOf({ name }: Message): JsonObject {
  return name === undefined ? {} : { name };
}

function isText(part: Part): part is TextPart {
  return part.type === "text";
}

/** Texts of one message in one string: not every vendor takes a list where there is nothing but text. */
function joined(parts: readonly TextPart[]): string {
  return parts.map(({ text }) => text).join("\n");
}

function writeUser(message: Message, flavour: OpenaiFlavour): JsonObject[] {
  const results = message.parts.filter((part) => part.type === "tool_result");
  const rest = message.parts.filter((part) => part.type !== "tool_result");
  const written: JsonObject[] = results.map(writeResult);
  // A tool's message holds text only: its images follow as the user's.
  const shown = results.flatMap(({ content }) => content.filter((part) => part.type !== "text"));
  const content = [...shown, ...rest];
  if (content.length > 0 || results.length === 0) {
    written.push({ role: "user", content: writeContent(content, flavour), ...nameOf(message) });
  }
  return written;
}

function writeResult({ callId, content, isError }: ToolResultPart): JsonObject {
  const text = joined(content.filter(isText));
  const media = content.some((part) => part.type !== "text") ? "See the attachment in the next message." : "";
  // The chat format has no flag for a tool that failed: it is said in words.
  const said = isError && !/^error/i.test(text) ? `Error: ${text}` : text;
  return { role: "tool", tool_call_id: callId, content: [said, media].filter((piece) => piece !== "").join("\n") };
}

function writeContent(parts: readonly Part[], flavour: OpenaiFlavour): unknown {
  if (parts.every(isText)) return joined(parts);
  return parts.map((part) => writePart(part, flavour));
}

function writePart(part: Part, { extraParts }: OpenaiFlavour): JsonObject {
  switch (part.type) {
    case "text":
      return { type: "text", text: part.text };
    case "image": {
      if (part.source.kind === "upload") throw cannotExpress(part.at, "it is an upload at another vendor");
      const detail = part.detail === undefined ? {} : { detail: part.detail };
      return { type: "image_url", image_url: { url: urlOfSource(part.source), ...detail } };
    }
    case "audio":
      return { type: "input_audio", input_audio: { data: part.data, format: part.format } };
    case "clip": {
      const type = `${part.medium}_url` as const;
      if (!extraParts.includes(type)) throw cannotExpress(part.at, `it takes no ${part.medium} by its address`);
      if (part.source.kind === "upload") throw cannotExpress(part.at, "it is an upload at another vendor");
      return { type, [type]: { url: urlOfSource(part.source) } };
    }
    case "file": {
      const { source, name } = part;
      const words = namedWordsOf(part);
      // The format takes PDFs as files, and words as words.
      if (words !== undefined) return { type: "text", text: words };
      if (source.kind !== "data") throw cannotExpress(part.at, "it takes documents as data only");
      const filename = name ?? (source.mediaType === "application/pdf" ? "document.pdf" : "document");
      return { type: "file", file: { file_data: urlOfSource(source), filename } };
    }
    default:
      throw cannotExpress(part.at, "its format has no such content");
  }
}

function writeAssistant(message: Message, flavour: OpenaiFlavour, note: Note): JsonObject {
  const calls = message.parts.filter((part) => part.type === "tool_call");
  const texts = message.parts.filter(isText);
  for (const part of message.parts) {
    if (part.type === "text" || part.type === "tool_call") continue;
    if (part.type === "thinking" || part.type === "redacted_thinking") continue;
    throw cannotExpress(part.at, "its format has no such content in a turn of the assistant");
  }
  const content = texts.map(({ text }) => text).join("");
  return {
    role: "assistant",
    // Vendors refuse null where nothing is called, and "" beside calls.
    content: content === "" && calls.length > 0 ? null : content,
    ...nameOf(message),
    ...writeThinking(message.parts, calls.length > 0, flavour, note),
    ...(calls.length === 0 ? {} : { tool_calls: calls.map((call) => writeCall(call, flavour)) }),
  };
}

function writeCall({ id, name, input, custom }: ToolCallPart, { customTools }: OpenaiFlavour): JsonObject {
  if (custom && customTools) return { id, type: "custom", custom: { name, input } };
  const text = custom ? JSON.stringify(argumentsOf(input)) : input;
  return { id, type: "function", function: { name, arguments: text === "" ? "{}" : text } };
}

/** The thinking of an earlier turn: where the vendor wants it, as text; its own signed details unchanged. */
function writeThinking(parts: readonly Part[], called: boolean, flavour: OpenaiFlavour, note: Note): JsonObject {
  const thinking = parts.filter((part) => part.type === "thinking" || part.type === "redacted_thinking");
  const wanted = flavour.reasoningBack === "always" || (flavour.reasoningBack === "tool_turns" && called);
  if (!wanted) {
    if (thinking.length > 0) note("thinking of earlier turns dropped: this vendor does not take it");
    return {};
  }
  const text = thinking.map((part) => (part.type === "thinking" ? part.text : "")).join("");
  const details = thinking.flatMap(({ signature }) =>
    signature?.origin === "openai.chat" ? (asObject(parseJson(signature.value)) ?? []) : [],
  );
  if (details.length > 0) return { reasoning_details: details };
  if (text === "" && flavour.reasoningBack === "always") return {};
  return Object.fromEntries(flavour.reasoningFields.map((field) => [field, text]));
}
