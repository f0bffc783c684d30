import { asArray, asObject, asString, type JsonObject } from "../../../wire/json.ts";
import { cannotExpress } from "../neutral/refuse.ts";
import type { FilePart, ImagePart, Message, Part, TextPart, ToolResultPart } from "../neutral/request.ts";
import { field, objectField } from "./fields.ts";
import { geminiFormatName } from "./format-name.ts";
import { readThoughtSignature } from "./signature.ts";

/** Calls of the conversation, in their order: results that name no ID belong to the oldest of their name without one. */
interface Calls {
  made: number;
  readonly waiting: Map<string, string[]>;
}

/** The turns of a request; the system text comes first. */
export function parseContents(body: JsonObject): Message[] {
  const calls: Calls = { made: 0, waiting: new Map() };
  const messages: Message[] = [];
  const system = objectField(body, "systemInstruction");
  if (system !== undefined) {
    const parts = parseParts(system, "systemInstruction.parts", calls);
    if (parts.length > 0) messages.push({ role: "system", parts, at: "systemInstruction" });
  }
  for (const [index, raw] of asArray(body.contents).entries()) {
    const content = asObject(raw) ?? {};
    const at = `contents[${index}]`;
    const role = content.role === "model" ? "assistant" : "user";
    messages.push({ role, parts: parseParts(content, `${at}.parts`, calls), at });
  }
  return messages;
}

function parseParts(content: JsonObject, at: string, calls: Calls): Part[] {
  const { parts } = content;
  const list = Array.isArray(parts) ? parts : parts === undefined || parts === null ? [] : [parts];
  const parsed = list.flatMap((part, index) => parsePart(asObject(part) ?? { text: part }, `${at}[${index}]`, calls));
  return joinThinking(parsed);
}

/** Clients send a stream's thoughts back piece by piece, and what they were signed with behind them: it is one thought. */
function joinThinking(parts: readonly Part[]): Part[] {
  const joined: Part[] = [];
  for (const part of parts) {
    const last = joined.at(-1);
    if (part.type === "thinking" && last?.type === "thinking" && last.signature === undefined) {
      joined[joined.length - 1] = { ...last, text: last.text + part.text, signature: part.signature };
    } else joined.push(part);
  }
  return joined;
}

function parsePart(part: JsonObject, at: string, calls: Calls): Part[] {
  const signature = readThoughtSignature(asString(field(part, "thoughtSignature")));
  const call = objectField(part, "functionCall");
  if (call !== undefined) {
    const name = asString(call.name) ?? "";
    // A name of ours: one that the client may have given to another call would join the two.
    const id = asString(call.id) || `call_unnamed_${calls.made}`;
    calls.made++;
    const waiting = calls.waiting.get(name);
    if (waiting === undefined) calls.waiting.set(name, [id]);
    else waiting.push(id);
    return [{ type: "tool_call", id, name, input: JSON.stringify(call.args ?? {}), custom: false, signature, at }];
  }
  const result = objectField(part, "functionResponse");
  if (result !== undefined) return [parseResult(result, at, calls)];
  const inline = objectField(part, "inlineData");
  if (inline !== undefined) return [parseInline(inline, part, at)];
  const file = objectField(part, "fileData");
  if (file !== undefined) return [parseFile(file, part, at)];
  const text = asString(part.text);
  if (text === undefined) return [{ type: "native", format: geminiFormatName, value: part, at }];
  if (part.thought === true) {
    if (text === "" && signature !== undefined) return [{ type: "redacted_thinking", signature, at }];
    return [{ type: "thinking", text, signature, at }];
  }
  const said: Part[] = text === "" ? [] : [{ type: "text", text, at }];
  // A text that is signed: the signature goes its own way, and back to its own vendor behind the text.
  return signature === undefined ? said : [...said, { type: "thinking", text: "", signature, at }];
}

function parseInline(inline: JsonObject, part: JsonObject, at: string): Part {
  const mediaType = (asString(field(inline, "mimeType")) ?? "").toLowerCase();
  const data = asString(inline.data) ?? "";
  const [kind = "", format = ""] = mediaType.split(/[/;]/);
  if (kind === "image") return { type: "image", source: { kind: "data", mediaType, data }, at };
  if (kind === "audio")
    return { type: "audio", data, format: format === "mpeg" ? "mp3" : format.replace(/^x-/, ""), at };
  if (kind === "text" || mediaType === "application/pdf") {
    return { type: "file", source: { kind: "data", mediaType, data }, at };
  }
  return { type: "native", format: geminiFormatName, value: part, at };
}

/** An address that anybody may read; an upload at the vendor is a thing of the vendor's own. */
function parseFile(file: JsonObject, part: JsonObject, at: string): Part {
  const url = asString(field(file, "fileUri")) ?? "";
  const mediaType = asString(field(file, "mimeType")) ?? "";
  const isOpen = /^https?:\/\//i.test(url) && !/\/v1(beta|alpha)?\/files\//.test(url);
  if (isOpen && mediaType.startsWith("image/")) return { type: "image", source: { kind: "url", url }, at };
  if (isOpen && mediaType === "application/pdf") return { type: "file", source: { kind: "url", url }, at };
  return { type: "native", format: geminiFormatName, value: part, at };
}

function parseResult(result: JsonObject, at: string, calls: Calls): ToolResultPart {
  const name = asString(result.name) ?? "";
  const waiting = calls.waiting.get(name) ?? [];
  const id = asString(result.id);
  const at0 = id === undefined || id === "" ? 0 : waiting.indexOf(id);
  const [known] = at0 < 0 ? [] : waiting.splice(at0, 1);
  const callId = id || known || `call_of_${name}`;
  const response = asObject(result.response) ?? {};
  const error = onlyText(response, "error");
  const text = error ?? onlyText(response, "output") ?? onlyText(response, "result") ?? JSON.stringify(response);
  const content: (TextPart | ImagePart | FilePart)[] = [{ type: "text", text, at: `${at}.functionResponse.response` }];
  for (const [index, raw] of asArray(result.parts).entries()) {
    const where = `${at}.functionResponse.parts[${index}]`;
    for (const part of parsePart(asObject(raw) ?? {}, where, calls)) {
      if (part.type !== "text" && part.type !== "image" && part.type !== "file") {
        throw cannotExpress(where, "its format has no such content in the result of a tool");
      }
      content.push(part);
    }
  }
  return { type: "tool_result", callId, name, content, isError: error !== undefined, at };
}

/** The text of an object that has this one field and nothing else. */
function onlyText(object: JsonObject, name: string): string | undefined {
  return Object.keys(object).length === 1 ? asString(object[name]) : undefined;
}
