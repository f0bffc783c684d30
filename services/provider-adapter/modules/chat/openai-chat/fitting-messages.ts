import type { OpenaiFlavour, ReasoningBack } from "../../../domain/flavour.ts";
import { parseExact } from "../../../wire/exact-json.ts";
import { asArray, asObject, asString, type JsonObject } from "../../../wire/json.ts";
import { fieldText } from "../../../wire/patch-json.ts";
import { parseOrigin } from "../neutral/signature.ts";

const thinkingFields = ["reasoning_content", "reasoning_details", "reasoning"] as const;
const traces = thinkingFields.map((field) => Buffer.from(`"${field}"`));
const toolCalls = Buffer.from('"tool_calls"');

const ours = Buffer.from('"tl1~');

const developer = Buffer.from('"developer"');

/** What a vendor's quirks say of messages. */
type Fit = Pick<OpenaiFlavour, "reasoningBack" | "developerRole" | "dropMessageFields">;

/**
 * The messages of a chat body as the vendor takes them: the thinking of earlier turns as it wants it, no role and no field
 * that it refuses. Undefined: they may stay as they are. Messages are only parsed when a search finds what may have to
 * change, so an ordinary body costs a search.
 */
export function fittingMessages(body: Uint8Array, fit: Fit): string | undefined {
  const bytes = Buffer.from(body.buffer, body.byteOffset, body.byteLength);
  const refused = fit.dropMessageFields.filter((field) => bytes.includes(`"${field}"`));
  const foreignRole = !fit.developerRole && bytes.includes(developer);
  if (refused.length === 0 && !foreignRole && !mayHoldThinking(bytes, fit.reasoningBack)) return undefined;
  let changed = false;
  const messages = asArray(parseExact(fieldText(body, "messages") ?? "[]")).map((raw) => {
    const message = asObject(raw);
    if (message === undefined) return raw;
    const fitting = withoutFields(withThinking(withRole(message, foreignRole), fit.reasoningBack), refused);
    if (fitting !== message) changed = true;
    return fitting;
  });
  return changed ? JSON.stringify(messages) : undefined;
}

function mayHoldThinking(bytes: Buffer, wants: ReasoningBack): boolean {
  if (wants === "always") return bytes.includes(ours);
  return traces.some((trace) => bytes.includes(trace)) || (wants === "tool_turns" && bytes.includes(toolCalls));
}

/** What a developer says is a system message by its newer name. */
function withRole(message: JsonObject, foreign: boolean): JsonObject {
  return foreign && message.role === "developer" ? { ...message, role: "system" } : message;
}

function withThinking(message: JsonObject, wants: ReasoningBack): JsonObject {
  if (message.role !== "assistant") return message;
  return wants === "always" ? withoutOurs(message) : asText(message, wants);
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
function asText(message: JsonObject, wants: ReasoningBack): JsonObject {
  const { reasoning_content: content, reasoning_details: details, reasoning, ...rest } = message;
  const wanted = wants === "tool_turns" && message.tool_calls !== undefined ? (content ?? reasoning ?? "") : undefined;
  if (details === undefined && reasoning === undefined && wanted === content) return message;
  return wanted === undefined ? rest : { ...rest, reasoning_content: wanted };
}
