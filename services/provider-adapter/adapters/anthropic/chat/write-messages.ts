import { messagesFormat } from "../../../modules/chat/anthropic-messages/format-name.ts";
import { inputOfCall } from "../../../modules/chat/neutral/call-input.ts";
import type { Note } from "../../../modules/chat/neutral/formats.ts";
import { noteDetail, wordsOf } from "../../../modules/chat/neutral/media.ts";
import { cannotExpress } from "../../../modules/chat/neutral/refuse.ts";
import type { MediaSource, Message, Part } from "../../../modules/chat/neutral/request.ts";
import type { JsonObject } from "../../../wire/json.ts";

/** A turn on the wire. */
export interface Turn {
  readonly role: "user" | "assistant";
  readonly content: JsonObject[];
}

/** The system text and the turns of a request. */
export interface WrittenMessages {
  readonly system: readonly JsonObject[];
  readonly turns: readonly Turn[];
}

const imageTypes: ReadonlySet<string> = new Set(["image/jpeg", "image/png", "image/gif", "image/webp"]);

/**
 * Writes the turns: system messages move to the front, as the vendor's own compatibility layer does, turns of one role
 * become one, the first is the user's, and there are no empty texts.
 */
export function writeMessages(messages: readonly Message[], note: Note): WrittenMessages {
  const system: JsonObject[] = [];
  const turns: Turn[] = [];
  for (const message of messages) {
    const content = message.parts.flatMap((part) => writePart(part, note));
    if (message.name !== undefined) note(`${message.at}.name dropped: the upstream's format has no such field`);
    if (message.role === "system") {
      if (turns.length > 0) note(`${message.at} moved to the front: the upstream's format has one system text`);
      for (const block of content) system.push(block);
      continue;
    }
    if (content.length === 0) continue;
    const last = turns.at(-1);
    if (last?.role !== message.role) turns.push({ role: message.role, content });
    else for (const block of content) last.content.push(block);
  }
  if (turns[0]?.role !== "user") {
    note("a first turn of the user was added: the upstream's format begins with one");
    turns.unshift({ role: "user", content: [{ type: "text", text: "..." }] });
  }
  trimPrefill(turns.at(-1));
  return { system, turns: turns.map((turn) => (turn.role === "user" ? withResultsFirst(turn) : turn)) };
}

/** Results of tools must stand before what the user says in the same turn. */
function withResultsFirst({ role, content }: Turn): Turn {
  const results = content.filter(({ type }) => type === "tool_result");
  if (results.length === 0) return { role, content };
  return { role, content: results.concat(content.filter(({ type }) => type !== "tool_result")) };
}

/** An answer that is begun for the model must not end in white space. */
function trimPrefill(turn: Turn | undefined): void {
  const last = turn?.role === "assistant" ? turn.content.at(-1) : undefined;
  if (last?.type === "text") last.text = String(last.text).trimEnd();
}

function writePart(part: Part, note: Note): JsonObject[] {
  const cached = "cache" in part && part.cache !== undefined ? { cache_control: part.cache } : {};
  switch (part.type) {
    case "text":
      // A text block that is empty or blank is refused.
      return part.text.trim() === "" ? [] : [{ type: "text", text: part.text, ...cached }];
    case "image":
      noteDetail(part, note);
      return [{ type: "image", source: writeSource(part.source, part.at, imageTypes), ...cached }];
    case "file":
      return [{ ...writeDocument(part), ...cached }];
    case "tool_call":
      return [{ type: "tool_use", id: part.id, name: part.name, input: inputOfCall(part), ...cached }];
    case "tool_result": {
      const content = part.content.flatMap((piece) => writePart(piece, note));
      const failed = part.isError ? { is_error: true } : {};
      return [{ type: "tool_result", tool_use_id: part.callId, content, ...failed, ...cached }];
    }
    case "thinking":
      if (part.signature?.origin === messagesFormat) {
        return [{ type: "thinking", thinking: part.text, signature: part.signature.value }];
      }
      note("thinking of earlier turns dropped: this vendor did not sign it");
      return [];
    case "redacted_thinking":
      if (part.signature.origin === messagesFormat) return [{ type: "redacted_thinking", data: part.signature.value }];
      note("thinking of earlier turns dropped: this vendor did not sign it");
      return [];
    case "native":
      if (part.format === messagesFormat) return [part.value];
      throw cannotExpress(part.at, "its format has no such content");
    case "audio":
      throw cannotExpress(part.at, "it does not take audio");
    case "clip":
      throw cannotExpress(part.at, `it does not take ${part.medium}`);
  }
}

function writeSource(source: MediaSource, at: string, allowed: ReadonlySet<string>): JsonObject {
  switch (source.kind) {
    case "url":
      return { type: "url", url: source.url };
    case "upload":
      throw cannotExpress(at, "it is an upload at another vendor");
    case "data": {
      const mediaType = source.mediaType === "image/jpg" ? "image/jpeg" : source.mediaType;
      if (!allowed.has(mediaType)) throw cannotExpress(at, `it takes ${[...allowed].join(", ")} and not ${mediaType}`);
      return { type: "base64", media_type: mediaType, data: source.data };
    }
  }
}

const pdf: ReadonlySet<string> = new Set(["application/pdf"]);

function writeDocument({ source, name, at }: Extract<Part, { type: "file" }>): JsonObject {
  const title = name === undefined ? {} : { title: name };
  const data = wordsOf(source);
  if (data !== undefined || source.kind === "text") {
    return { type: "document", source: { type: "text", media_type: "text/plain", data }, ...title };
  }
  if (source.kind === "data" && imageTypes.has(source.mediaType)) {
    return { type: "image", source: writeSource(source, at, imageTypes) };
  }
  return { type: "document", source: writeSource(source, at, pdf), ...title };
}
