import type { ReasoningBack } from "../../domain/flavour.ts";
import { asArray, asObject, type JsonObject, parseJson } from "../../domain/json.ts";
import { fieldText } from "../../domain/patch-json.ts";

const thinkingFields = ["reasoning_content", "reasoning_details", "reasoning"] as const;
const traces = thinkingFields.map((field) => Buffer.from(`"${field}"`));
const toolCalls = Buffer.from('"tool_calls"');

/**
 * The messages of a chat body with the thinking of earlier turns as the vendor wants it; undefined: they may stay as they
 * are. Messages are only parsed when a search finds what may have to change, so an ordinary body costs a search.
 */
export function thinkingBack(body: Uint8Array, wants: ReasoningBack): string | undefined {
  const bytes = Buffer.from(body.buffer, body.byteOffset, body.byteLength);
  if (wants === "always") return undefined;
  const found = traces.some((trace) => bytes.includes(trace)) || (wants === "tool_turns" && bytes.includes(toolCalls));
  if (!found) return undefined;
  let changed = false;
  const messages = asArray(parseJson(fieldText(body, "messages") ?? "null")).map((raw) => {
    const message = asObject(raw);
    if (message?.role !== "assistant") return raw;
    const { reasoning_content: content, reasoning_details: details, reasoning, ...rest } = message;
    const kept: JsonObject = rest;
    if (wants === "tool_turns" && message.tool_calls !== undefined) kept.reasoning_content = content ?? reasoning ?? "";
    if (details !== undefined || reasoning !== undefined || kept.reasoning_content !== content) changed = true;
    return kept;
  });
  return changed ? JSON.stringify(messages) : undefined;
}
