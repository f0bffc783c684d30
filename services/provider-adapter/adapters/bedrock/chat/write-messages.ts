import { inputOfCall } from "../../../modules/chat/neutral/call-input.ts";
import type { Note } from "../../../modules/chat/neutral/formats.ts";
import { noteDetail } from "../../../modules/chat/neutral/media.ts";
import { cannotExpress } from "../../../modules/chat/neutral/refuse.ts";
import type { Message, Part, ToolResultPart } from "../../../modules/chat/neutral/request.ts";
import type { JsonObject } from "../../../wire/json.ts";
import type { Family } from "../models.ts";
import { cachePoint } from "./cache-point.ts";
import { createDocumentNames, type NameDocument, writeClip, writeFile, writeImage } from "./write-media.ts";

/** A turn on the wire. */
export interface Turn {
  readonly role: "user" | "assistant";
  readonly content: JsonObject[];
}

/** The system text and the turns of a request. */
export interface WrittenMessages {
  readonly system: JsonObject[];
  readonly turns: Turn[];
}

/** What the writer must know of the model. */
export interface MessageRules {
  readonly family: Family;
  /** The format that signatures belong to. */
  readonly origin: string;
}

interface Writing extends MessageRules {
  readonly note: Note;
  readonly nameDocument: NameDocument;
}

/**
 * Writes the turns: system messages move to the front, turns of one role become one, the first is the user's, results of tools
 * come before what the user says in the same turn, a document has a text beside it, and there are no blank texts.
 */
export function writeMessages(messages: readonly Message[], rules: MessageRules, note: Note): WrittenMessages {
  const writing = { ...rules, note, nameDocument: createDocumentNames() };
  const system: JsonObject[] = [];
  const turns: Turn[] = [];
  for (const message of messages) {
    if (message.name !== undefined) note(`${message.at}.name dropped: the upstream's format has no such field`);
    if (message.role === "system") {
      if (turns.length > 0) note(`${message.at} moved to the front: the upstream's format has one system text`);
      for (const part of message.parts) {
        if (part.type !== "text") throw cannotExpress(part.at, "it takes system messages as text");
        for (const block of writePart(part, writing)) system.push(block);
      }
      continue;
    }
    const content = message.parts.flatMap((part) => writePart(part, writing));
    if (content.length === 0) continue;
    const last = turns.at(-1);
    if (last?.role !== message.role) turns.push({ role: message.role, content });
    else for (const block of content) last.content.push(block);
  }
  if (turns.length === 0 && system.length > 0) {
    note("the system text was sent as the user's: the upstream's format needs a turn");
    turns.push({ role: "user", content: system.splice(0) });
  } else if (turns[0]?.role !== "user") {
    note("a first turn of the user was added: the upstream's format begins with one");
    turns.unshift({ role: "user", content: [{ text: filler }] });
  }
  trimPrefill(turns.at(-1));
  return { system, turns: turns.map((turn) => (turn.role === "user" ? withText(withResultsFirst(turn), note) : turn)) };
}

/** Where the vendor wants a text and the client gave none. */
const filler = "...";

function withResultsFirst({ role, content }: Turn): Turn {
  const results = content.filter((block) => "toolResult" in block);
  if (results.length === 0) return { role, content };
  return { role, content: results.concat(content.filter((block) => !("toolResult" in block))) };
}

function withText({ role, content }: Turn, note: Note): Turn {
  if (!content.some((block) => "document" in block) || content.some((block) => "text" in block))
    return { role, content };
  note("a text was added beside a document: the upstream wants one");
  return { role, content: [{ text: filler }, ...content] };
}

/** An answer that is begun for the model must not end in white space. */
function trimPrefill(turn: Turn | undefined): void {
  const last = turn?.role === "assistant" ? turn.content.at(-1) : undefined;
  if (last !== undefined && "text" in last) last.text = String(last.text).trimEnd();
}

function writePart(part: Part, writing: Writing): JsonObject[] {
  const written = writeBlock(part, writing);
  const cache = cacheOf(part);
  if (cache === undefined || written.length === 0) return written;
  return [...written, ...cachePoint(cache, writing.family, writing.note)];
}

/** Cache points stand behind a result, never in it. */
function cacheOf(part: Part): JsonObject | undefined {
  const own = "cache" in part ? part.cache : undefined;
  return part.type === "tool_result" ? (own ?? part.content.findLast(({ cache }) => cache !== undefined)?.cache) : own;
}

function writeBlock(part: Part, writing: Writing): JsonObject[] {
  switch (part.type) {
    case "text":
      // A blank text is refused.
      return part.text.trim() === "" ? [] : [{ text: part.text }];
    case "image":
      noteDetail(part, writing.note);
      return [writeImage(part)];
    case "file":
      return [writeFile(part, writing.nameDocument)];
    case "clip":
      return [writeClip(part)];
    case "tool_call":
      return [{ toolUse: { toolUseId: part.id, name: part.name, input: inputOfCall(part) } }];
    case "tool_result":
      return [{ toolResult: writeResult(part, writing) }];
    case "thinking":
    case "redacted_thinking":
      return writeThought(part, writing);
    case "audio":
      throw cannotExpress(part.at, "it does not take audio");
    case "native":
      throw cannotExpress(part.at, "its format has no such content");
  }
}

function writeThought(
  part: Extract<Part, { type: "thinking" | "redacted_thinking" }>,
  { origin, note }: Writing,
): JsonObject[] {
  const { signature } = part;
  if (signature?.origin !== origin) {
    note("thinking of earlier turns dropped: this vendor did not sign it");
    return [];
  }
  if (part.type === "redacted_thinking") return [{ reasoningContent: { redactedContent: signature.value } }];
  return [{ reasoningContent: { reasoningText: { text: part.text, signature: signature.value } } }];
}

/** The vendor takes no result without content. */
const noOutput = { text: "(no output)" };

function writeResult({ callId, content, isError }: ToolResultPart, writing: Writing): JsonObject {
  const blocks = content.flatMap((part) => writeBlock(part, writing));
  const status = writing.family.resultStatus && isError ? { status: "error" } : {};
  return { toolUseId: callId, content: blocks.length === 0 ? [noOutput] : blocks, ...status };
}
