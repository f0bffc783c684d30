import { geminiFormatName } from "../../../modules/chat/gemini/format-name.ts";
import { inputOfCall } from "../../../modules/chat/neutral/call-input.ts";
import type { Note } from "../../../modules/chat/neutral/formats.ts";
import { namedWordsOf, noteDetail } from "../../../modules/chat/neutral/media.ts";
import { cannotExpress, notValid } from "../../../modules/chat/neutral/refuse.ts";
import type {
  AudioPart,
  ClipPart,
  FilePart,
  ImagePart,
  Message,
  Part,
  ToolCallPart,
  ToolResultPart,
} from "../../../modules/chat/neutral/request.ts";
import type { Signature } from "../../../modules/chat/neutral/signature.ts";
import { parseExact } from "../../../wire/exact-json.ts";
import { asObject, type JsonObject } from "../../../wire/json.ts";
import { mediaTypeOfUrl } from "./media-types.ts";

/**
 * What stands for the signature of a call that another vendor's model made
 * (ai.google.dev/gemini-api/docs/thought-signatures): without any the vendor refuses the turn.
 */
const foreignSignature = "skip_thought_signature_validator";

/** A turn on the wire. */
export interface Turn {
  readonly role: "user" | "model";
  readonly parts: JsonObject[];
}

/** What the writer must know of the model and the channel. */
export interface ContentRules {
  /** Calls and results carry their IDs. */
  readonly callIds: boolean;
  /** The first call of a turn must be signed. */
  readonly signedCalls: boolean;
}

/** The system text and the turns of a request. */
export interface WrittenContents {
  readonly system: readonly JsonObject[];
  readonly turns: readonly Turn[];
}

/**
 * Writes the turns: system messages move to the front, turns of one role become one, the first is the user's, results of
 * tools come before what the user says in the same turn.
 */
export function writeContents(messages: readonly Message[], rules: ContentRules, note: Note): WrittenContents {
  const system: JsonObject[] = [];
  const turns: Turn[] = [];
  for (const message of messages) {
    if (message.name !== undefined) note(`${message.at}.name dropped: the upstream's format has no such field`);
    const parts = message.parts.flatMap((part) => writePart(part, rules, note));
    if (message.role === "system") {
      if (turns.length > 0) note(`${message.at} moved to the front: the upstream's format has one system text`);
      for (const part of parts) system.push(part);
      continue;
    }
    if (parts.length === 0) continue;
    const role = message.role === "assistant" ? "model" : "user";
    const last = turns.at(-1);
    if (last?.role !== role) turns.push({ role, parts });
    else for (const part of parts) last.parts.push(part);
  }
  if (turns.length === 0 && system.length > 0) {
    note("the system text was sent as the user's: the upstream's format needs a turn");
    turns.push({ role: "user", parts: system.splice(0) });
  } else if (turns[0]?.role !== "user") {
    note("a first turn of the user was added: the upstream's format begins with one");
    turns.unshift({ role: "user", parts: [{ text: "..." }] });
  }
  for (const { role, parts } of turns) if (role === "model" && rules.signedCalls) signFirstCall(parts);
  return { system, turns: turns.map((turn) => (turn.role === "user" ? withResultsFirst(turn) : turn)) };
}

function withResultsFirst({ role, parts }: Turn): Turn {
  const results = parts.filter((part) => "functionResponse" in part);
  if (results.length === 0) return { role, parts };
  return { role, parts: results.concat(parts.filter((part) => !("functionResponse" in part))) };
}

function signFirstCall(parts: JsonObject[]): void {
  const first = parts.find((part) => "functionCall" in part);
  if (first !== undefined) first.thoughtSignature ??= foreignSignature;
}

function writePart(part: Part, rules: ContentRules, note: Note): JsonObject[] {
  if ("cache" in part && part.cache !== undefined) note("cache_control dropped: this vendor caches by itself");
  switch (part.type) {
    case "text":
      // An empty part is refused.
      return part.text === "" ? [] : [{ text: part.text }];
    case "file":
      if (part.name !== undefined && part.source.kind !== "text") note(`${part.at}: the name of the file dropped`);
      return [writeMedia(part)];
    case "image":
      noteDetail(part, note);
      return [writeMedia(part)];
    case "audio":
      return [writeAudio(part)];
    case "clip":
      return [writeMedia(part)];
    case "tool_call":
      return [writeCall(part, rules)];
    case "tool_result":
      return writeResult(part, rules);
    case "thinking":
    case "redacted_thinking":
      return writeThought(part.type === "thinking" ? part.text : "", part.signature, note);
    case "native":
      if (part.format === geminiFormatName) return [part.value];
      throw cannotExpress(part.at, "its format has no such content");
  }
}

/** A signature without a thought belongs to a text: the vendor takes it back in a part of its own. */
function writeThought(text: string, signature: Signature | undefined, note: Note): JsonObject[] {
  if (signature?.origin !== geminiFormatName) {
    note("thinking of earlier turns dropped: this vendor did not sign it");
    return [];
  }
  return [{ text, ...(text === "" ? {} : { thought: true }), thoughtSignature: signature.value }];
}

/** Types where an address does not tell. */
const usualTypes = { image: "image/jpeg", file: "application/pdf", video: "video/mp4", audio: "audio/mp3" } as const;

function writeMedia(part: ImagePart | FilePart | ClipPart): JsonObject {
  const { source, at } = part;
  switch (source.kind) {
    case "text":
      return { text: namedWordsOf({ source, name: part.type === "file" ? part.name : undefined }) };
    case "data":
      return {
        inlineData: { mimeType: source.mediaType === "image/jpg" ? "image/jpeg" : source.mediaType, data: source.data },
      };
    case "url": {
      const usual = usualTypes[part.type === "clip" ? part.medium : part.type];
      return { fileData: { mimeType: mediaTypeOfUrl(source.url) ?? usual, fileUri: source.url } };
    }
    case "upload":
      throw cannotExpress(at, "it is an upload at another vendor");
  }
}

function writeAudio({ data, format }: AudioPart): JsonObject {
  return { inlineData: { mimeType: `audio/${format === "mpeg" ? "mp3" : format}`, data } };
}

function writeCall(call: ToolCallPart, { callIds }: ContentRules): JsonObject {
  const { id, name, signature } = call;
  return {
    functionCall: { ...(callIds ? { id } : {}), name, args: inputOfCall(call) },
    ...(signature?.origin === geminiFormatName ? { thoughtSignature: signature.value } : {}),
  };
}

/** A result is an object; what a tool said in other forms stands in one, its media behind it as parts of the turn. */
function writeResult({ callId, name, content, isError, at }: ToolResultPart, { callIds }: ContentRules): JsonObject[] {
  if (name === "") throw notValid(at, "answers a call that is not in the request: this model needs the tool's name");
  const texts = content.flatMap((part) => (part.type === "text" ? [part.text] : []));
  const text = texts.join("\n");
  const value = texts.length === 1 ? asObject(parseExact(text)) : undefined;
  const response = isError ? { error: text } : (value ?? { output: text });
  const media = content.flatMap((part) => (part.type === "text" ? [] : [writeMedia(part)]));
  return [{ functionResponse: { ...(callIds ? { id: callId } : {}), name, response } }, ...media];
}
