import type { OpenaiFlavour } from "../../../domain/flavour.ts";
import type { Note } from "../../../modules/chat/neutral/formats.ts";
import { namedWordsOf, urlOfSource } from "../../../modules/chat/neutral/media.ts";
import { cannotExpress } from "../../../modules/chat/neutral/refuse.ts";
import type { Message, Part, ToolResultPart } from "../../../modules/chat/neutral/request.ts";
import { responsesFormat } from "../../../modules/chat/openai-responses/format-name.ts";
import type { JsonObject } from "../../../wire/json.ts";

/** The items of a request: turns, thinking, calls and their results, in their order. */
export function writeInput(messages: readonly Message[], flavour: OpenaiFlavour, note: Note): JsonObject[] {
  const items: JsonObject[] = [];
  /** Calls of tools that take free text: their results are of another type. */
  const custom = new Set<string>();
  for (const message of messages) {
    if (message.name !== undefined) note(`${message.at}.name dropped: the upstream's format has no such field`);
    const role = message.role === "system" ? flavour.systemRole : message.role;
    let content: JsonObject[] = [];
    const say = () => {
      if (content.length > 0) items.push({ type: "message", role, content });
      content = [];
    };
    for (const part of message.parts) {
      if ("cache" in part && part.cache !== undefined) note("cache_control dropped: this vendor caches by itself");
      const item = itemOf(part, custom, note);
      if (item === undefined) {
        content.push(writeContent(part, message.role));
        continue;
      }
      say();
      for (const one of item) items.push(one);
    }
    say();
  }
  if (items.length === 0) {
    note("a first turn of the user was added: the upstream's format begins with one");
    items.push({ type: "message", role: "user", content: [{ type: "input_text", text: "..." }] });
  }
  return items;
}

/** A part that is an item of its own; undefined: it is content of a message. */
function itemOf(part: Part, custom: Set<string>, note: Note): JsonObject[] | undefined {
  switch (part.type) {
    case "tool_call":
      if (part.custom) custom.add(part.id);
      return [
        part.custom
          ? { type: "custom_tool_call", call_id: part.id, name: part.name, input: part.input }
          : {
              type: "function_call",
              call_id: part.id,
              name: part.name,
              arguments: part.input === "" ? "{}" : part.input,
            },
      ];
    case "tool_result": {
      const type = custom.has(part.callId) ? "custom_tool_call_output" : "function_call_output";
      return [{ type, call_id: part.callId, output: writeResult(part) }];
    }
    case "thinking":
    case "redacted_thinking": {
      if (part.signature?.origin !== responsesFormat) {
        note("thinking of earlier turns dropped: this vendor did not make it");
        return [];
      }
      const text = part.type === "thinking" ? part.text : "";
      const summary = text === "" ? [] : [{ type: "summary_text", text }];
      return [{ type: "reasoning", summary, encrypted_content: part.signature.value }];
    }
    case "native":
      if (part.format === responsesFormat) return [part.value];
      throw cannotExpress(part.at, "its format has no such content");
    default:
      return undefined;
  }
}

function writeResult({ content, isError }: ToolResultPart): unknown {
  const texts = content.flatMap((part) => (part.type === "text" ? [part.text] : []));
  const text = texts.join("\n");
  const said = isError && !/^error/i.test(text) ? `Error: ${text}` : text;
  if (texts.length === content.length) return said;
  const media = content.filter((part) => part.type !== "text").map((part) => writeContent(part, "user"));
  return [...(said === "" ? [] : [{ type: "input_text", text: said }]), ...media];
}

function writeContent(part: Part, role: Message["role"]): JsonObject {
  switch (part.type) {
    case "text":
      return { type: role === "assistant" ? "output_text" : "input_text", text: part.text };
    case "image":
      if (part.source.kind === "upload") return { type: "input_image", file_id: part.source.id, detail: part.detail };
      return { type: "input_image", image_url: urlOfSource(part.source), detail: part.detail ?? "auto" };
    case "file": {
      const { source, name } = part;
      const words = namedWordsOf(part);
      if (words !== undefined || source.kind === "text") return { type: "input_text", text: words };
      if (source.kind === "url") return { type: "input_file", file_url: source.url };
      if (source.kind === "upload") return { type: "input_file", file_id: source.id };
      const filename = name ?? (source.mediaType === "application/pdf" ? "document.pdf" : "document");
      return { type: "input_file", file_data: urlOfSource(source), filename };
    }
    case "audio":
      return { type: "input_audio", input_audio: { data: part.data, format: part.format } };
    default:
      throw cannotExpress(part.at, "its format has no such content");
  }
}
