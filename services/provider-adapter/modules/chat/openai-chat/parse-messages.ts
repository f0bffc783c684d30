import { asArray, asObject, asString, type JsonObject } from "../../../wire/json.ts";
import { notValid } from "../neutral/refuse.ts";
import type { Message, Part } from "../neutral/request.ts";
import { parseContent, parseResultContent } from "./parse-parts.ts";
import { parseReasoningDetails } from "./reasoning-details.ts";

/** Name of this wire format. */
export const chatFormat = "openai.chat";

/** The turns of a chat. Tool messages become turns of the user that hold the results. */
export function parseMessages(value: unknown): Message[] {
  /** Names of the tools by the IDs of their calls. */
  const names = new Map<string, string>();
  /** Legacy calls have no ID: the newest of a name is answered. */
  const legacyIds = new Map<string, string>();
  return asArray(value).map((raw, index) => {
    const message = asObject(raw) ?? {};
    const at = `messages[${index}]`;
    const name = asString(message.name);
    switch (message.role) {
      case "system":
      case "developer":
        return { role: "system", parts: contentOf(message, at), at, name };
      case "user":
        return { role: "user", parts: contentOf(message, at), at, name };
      case "assistant":
        return { role: "assistant", parts: parseAssistant(message, at, names, legacyIds), at, name };
      case "tool": {
        const callId = asString(message.tool_call_id) ?? "";
        return toolResult(message, at, callId, names.get(callId) ?? name ?? "");
      }
      case "function":
        return toolResult(message, at, legacyIds.get(name ?? "") ?? `call_${name}`, name ?? "");
      default:
        throw notValid(`${at}.role`, "is not a known role");
    }
  });
}

function contentOf(message: JsonObject, at: string): Part[] {
  return parseContent(message.content, `${at}.content`, asObject(message.cache_control));
}

function toolResult(message: JsonObject, at: string, callId: string, name: string): Message {
  const content = parseResultContent(message.content ?? "", `${at}.content`);
  const cache = asObject(message.cache_control);
  return { role: "user", at, parts: [{ type: "tool_result", callId, name, content, isError: false, at, cache }] };
}

/** Thinking first, then what was said, then the calls: the order in which an assistant does them. */
function parseAssistant(
  message: JsonObject,
  at: string,
  names: Map<string, string>,
  legacyIds: Map<string, string>,
): Part[] {
  if (asObject(message.audio) !== undefined) {
    const value = asObject(message.audio) ?? {};
    return [{ type: "native", format: chatFormat, value, at: `${at}.audio` }];
  }
  const details = parseReasoningDetails(message.reasoning_details, `${at}.reasoning_details`, chatFormat);
  const parts: Part[] = [...details.thinking];
  const reasoning = asString(message.reasoning_content) ?? asString(message.reasoning);
  if (parts.length === 0 && reasoning) parts.push({ type: "thinking", text: reasoning, at: `${at}.reasoning_content` });
  for (const part of contentOf(message, at)) parts.push(part);
  const refusal = asString(message.refusal);
  if (refusal) parts.push({ type: "text", text: refusal, at: `${at}.refusal` });
  for (const [index, raw] of asArray(message.tool_calls).entries()) {
    const call = asObject(raw) ?? {};
    const custom = call.type === "custom";
    const given = asObject(custom ? call.custom : call.function) ?? {};
    const id = asString(call.id) || `call_${at}_${index}`.replace(/\W+/g, "_");
    const name = asString(given.name) ?? "";
    names.set(id, name);
    parts.push({
      type: "tool_call",
      id,
      name,
      input: asString(custom ? given.input : given.arguments) ?? "",
      custom,
      signature: details.callSignatures.get(id),
      at: `${at}.tool_calls[${index}]`,
    });
  }
  const legacy = asObject(message.function_call);
  if (legacy !== undefined) {
    const name = asString(legacy.name) ?? "";
    const id = `call_${at}_${name}`.replace(/\W+/g, "_");
    legacyIds.set(name, id);
    const input = asString(legacy.arguments) ?? "";
    parts.push({ type: "tool_call", id, name, input, custom: false, at: `${at}.function_call` });
  }
  return parts;
}
