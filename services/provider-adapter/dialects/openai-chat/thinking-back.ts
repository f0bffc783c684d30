import { parseExact } from "../../domain/exact-json.ts";
import type { ReasoningBack } from "../../domain/flavour.ts";
import { asArray, asObject, asString, type JsonObject } from "../../domain/json.ts";
import { parseOrigin } from "../../domain/neutral/signature.ts";
import { fieldText } from "../../domain/patch-json.ts";

const thinkingFields = ["reasoning_content", "reasoning_details", "reasoning"] as const;
const traces = thinkingFields.map((field) => Buffer.from(`"${field}"`));
const toolCalls = Buffer.from('"tool_calls"');

const ours = Buffer.from('"tl1~');

/**
 * The messages of a chat body with the thinking of earlier turns as the vendor wants it; undefined: they may stay as they
 * are. Messages are only parsed when a search finds what may have to change, so an ordinary body costs a search.
 */
export function thinkingBack(body: Uint8Array, wants: ReasoningBack): string | undefined {
  const bytes = Buffer.from(body.buffer, body.byteOffset, body.byteLength);
  const found =
    wants === "always"
      ? bytes.includes(ours)
      : traces.some((trace) => bytes.includes(trace)) || (wants === "tool_turns" && bytes.includes(toolCalls));
  if (!found) return undefined;
  let changed = false;
  const messages = asArray(parseExact(fieldText(body, "messages") ?? "[]")).map((raw) => {
    const message = asObject(raw);
    if (message?.role !== "assistant") return raw;
    const fitting = wants === "always" ? withoutOurs(message) : asText(message, wants);
    if (fitting !== message) changed = true;
    return fitting;
  });
  return changed ? JSON.stringify(messages) : undefined;
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
