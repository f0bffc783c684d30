import type { OpenaiFlavour, ReasoningBack } from "../../../domain/flavour.ts";
import { parseExact } from "../../../wire/exact-json.ts";
import { asArray, asObject, asString, type JsonObject } from "../../../wire/json.ts";
import { fieldText } from "../../../wire/patch-json.ts";
import type { Note } from "../neutral/formats.ts";
import { parseOrigin } from "../neutral/signature.ts";
import { turnsFit } from "./roles.ts";
import { fitTurns } from "./turns.ts";

const thinkingFields = ["reasoning_content", "reasoning_details", "reasoning"] as const;
/** How each of them begins. */
const anyTrace = Buffer.from('"reasoning');
const traces = thinkingFields.map((field) => Buffer.from(`"${field}"`));
const toolCalls = Buffer.from('"tool_calls"');

const ours = Buffer.from('"tl1~');

const developer = Buffer.from('"developer"');

/** What a vendor's quirks say of messages. */
type Fit = Pick<OpenaiFlavour, "reasoningBack" | "reasoningFields" | "developerRole" | "dropMessageFields" | "turns">;

/**
 * The messages of a chat body as the vendor takes them: the thinking of earlier turns as it wants it, no role and no field
 * that it refuses, turns in the order of its template. Undefined: they may stay as they are. Messages are only parsed when a
 * search finds what may have to change, so an ordinary body costs a search.
 */
export function fittingMessages(body: Uint8Array, fit: Fit, note: Note): string | undefined {
  const bytes = Buffer.from(body.buffer, body.byteOffset, body.byteLength);
  const refused = fit.dropMessageFields.filter((field) => bytes.includes(`"${field}"`));
  const foreignRole = !fit.developerRole && bytes.includes(developer);
  const isFitting = refused.length === 0 && !foreignRole && !mayHoldThinking(bytes, fit) && turnsFit(bytes, fit.turns);
  if (isFitting) return undefined;
  let changed = false;
  const messages = asArray(parseExact(fieldText(body, "messages") ?? "[]")).map((raw) => {
    // The gateway has refused messages that are no objects.
    const message = asObject(raw) ?? {};
    const fitting = withoutFields(withThinking(withRole(message, foreignRole), fit), refused);
    if (fitting !== message) changed = true;
    return fitting;
  });
  const ordered = fitTurns(messages, fit.turns, note);
  return changed || ordered !== messages ? JSON.stringify(ordered) : undefined;
}

/** Whether the vendor reads the text of thinking under another name than that of our answers. */
function hasOwnFields({ reasoningFields }: Fit): boolean {
  return reasoningFields.some((field) => field !== "reasoning_content");
}

function mayHoldThinking(bytes: Buffer, fit: Fit): boolean {
  const wants: ReasoningBack = fit.reasoningBack;
  if (wants === "always" && !hasOwnFields(fit)) return bytes.includes(ours);
  const thinks = bytes.includes(anyTrace) && traces.some((trace) => bytes.includes(trace));
  return thinks || (wants === "tool_turns" && bytes.includes(toolCalls));
}

/** What a developer says is a system message by its newer name. */
function withRole(message: JsonObject, foreign: boolean): JsonObject {
  return foreign && message.role === "developer" ? { ...message, role: "system" } : message;
}

function withThinking(message: JsonObject, fit: Fit): JsonObject {
  if (message.role !== "assistant") return message;
  if (fit.reasoningBack !== "always") return asText(message, fit);
  const own = withoutOurs(message);
  return hasOwnFields(fit) ? underOwnNames(own, fit) : own;
}

/** With the text of the thinking under each name under which a version of the vendor's server reads it. */
function underOwnNames(message: JsonObject, { reasoningFields }: Fit): JsonObject {
  const text = asString(message.reasoning_content) ?? asString(message.reasoning);
  if (text === undefined || reasoningFields.every((field) => message[field] === text)) return message;
  return { ...message, ...Object.fromEntries(reasoningFields.map((field) => [field, text])) };
}

function withoutFields(message: JsonObject, fields: readonly string[]): JsonObject {
  if (!fields.some((field) => Object.hasOwn(message, field))) return message;
  return Object.fromEntries(Object.entries(message).filter(([name]) => !fields.includes(name)));
}

/** Without what another vendor signed: the text of its thinking stays. */
function withoutOurs(message: JsonObject): JsonObject {
  const details = asArray(message.reasoning_details);
  const kept = details.filter((detail) => parseOrigin(asString(asObject(detail)?.format)) === undefined);
  if (kept.length === details.length) return message;
  const { reasoning_details: _details, ...rest } = message;
  return kept.length === 0 ? rest : { ...rest, reasoning_details: kept };
}

/** With the text of the thinking where the vendor wants it (of a turn that called tools, even empty), else without. */
function asText(message: JsonObject, { reasoningBack, reasoningFields }: Fit): JsonObject {
  const { reasoning_content: content, reasoning_details: details, reasoning, ...rest } = message;
  const isWanted = reasoningBack === "tool_turns" && message.tool_calls !== undefined;
  const wanted = isWanted ? (content ?? reasoning ?? "") : undefined;
  if (details === undefined && reasoning === undefined && wanted === content) return message;
  if (wanted === undefined) return rest;
  return { ...rest, ...Object.fromEntries(reasoningFields.map((field) => [field, wanted])) };
}
