import type { AskedTool } from "../compose.ts";
import type { WireFormat } from "../exchange.ts";
import { arrayOf, isObject, objectOf, stringOf } from "../json.ts";

/** What the endpoints of the OpenAI format share: error bodies and the request ID's header. */
export const openaiFormat: WireFormat = {
  requestIdHeader: "x-request-id",
  errorBody: ({ status, code, message, param }) =>
    JSON.stringify({ error: { message, type: typeOf(status, code), param, code } }),
};

function typeOf(status: number, code: string): string {
  if (code === "insufficient_quota") return "insufficient_quota";
  if (status === 429) return "requests";
  return status < 500 ? "invalid_request_error" : "server_error";
}

/** `max_tokens` and its kin; Infinity if none is set. */
export function boundOf(...values: unknown[]): number {
  const bound = values.find((value) => value !== undefined && value !== null);
  return typeof bound === "number" && bound >= 0 ? Math.floor(bound) : Number.POSITIVE_INFINITY;
}

/** `stop`: a string or a list. */
export function stopOf(value: unknown): readonly string[] {
  return typeof value === "string" ? [value] : arrayOf(value).map(stringOf);
}

/** Tokens of pretended reasoning for an effort; 0 for none. */
export function effortTokens(effort: unknown): number {
  switch (effort) {
    case "minimal":
      return 4;
    case "low":
      return 8;
    case "medium":
      return 16;
    case "high":
      return 32;
    case "xhigh":
    case "max":
      return 64;
    default:
      return 0;
  }
}

/** Chat nests the function, Responses does not: both are read. */
export function toolsOf(value: unknown): AskedTool[] {
  const tools: AskedTool[] = [];
  for (const tool of arrayOf(value)) {
    const outer = objectOf(tool);
    if (outer.type === "custom") {
      tools.push({ name: stringOf(objectOf(outer.custom).name) || stringOf(outer.name) });
    } else if (isObject(outer.function) || typeof outer.name === "string") {
      const inner = isObject(outer.function) ? outer.function : outer;
      tools.push({ name: stringOf(inner.name), schema: inner.parameters ?? {} });
    }
  }
  return tools;
}

/** `tool_choice` of chat (nested) and Responses (flat), and `function_call` of old. */
export function choiceOf(value: unknown): "auto" | "none" | "required" | { readonly name: string } {
  if (value === "none" || value === "required") return value;
  if (value === "any") return "required";
  const choice = objectOf(value);
  const allowed = isObject(choice.allowed_tools) ? choice.allowed_tools : choice;
  if (choice.type === "allowed_tools") return allowed.mode === "required" ? "required" : "auto";
  const name =
    stringOf(choice.name) || stringOf(objectOf(choice.function).name) || stringOf(objectOf(choice.custom).name);
  return name === "" ? "auto" : { name };
}
