import { asArray, asObject, asString, type JsonObject } from "../../../wire/json.ts";
import type { Note } from "../neutral/formats.ts";
import { defaultReasoning, isEffort, type Reasoning } from "../neutral/reasoning.ts";
import type { OutputShape, Tool, ToolChoice, WebSearch } from "../neutral/request.ts";
import { clientToolOf } from "./client-tools.ts";
import { messagesFormat } from "./format-name.ts";

/** Tools, and the search that one of them may ask for. */
export interface ParsedTools {
  readonly tools: readonly Tool[];
  readonly webSearch: WebSearch | undefined;
}

/**
 * Reads `tools`. The vendor's search of the web is a capability that other formats have too, and a tool that the client
 * carries out is a function to them.
 */
export function parseTools(value: unknown, note: Note): ParsedTools {
  const tools: Tool[] = [];
  let webSearch: WebSearch | undefined;
  for (const [index, raw] of asArray(value).entries()) {
    const tool = asObject(raw) ?? {};
    const at = `tools[${index}]`;
    const type = asString(tool.type) ?? "custom";
    const name = asString(tool.name) ?? "";
    const known = type === "custom" ? undefined : clientToolOf(type);
    if (type.startsWith("web_search_")) webSearch = parseSearch(tool);
    else if (known !== undefined) {
      note(`${at} sent as a function: the upstream's models do not know this tool by themselves`);
      tools.push({ kind: "function", name, ...known, cache: asObject(tool.cache_control), at });
    } else if (type !== "custom") {
      tools.push({ kind: "native", format: messagesFormat, name: name || type, value: tool, at });
    } else {
      tools.push({
        kind: "function",
        name,
        description: asString(tool.description),
        parameters: asObject(tool.input_schema),
        strict: typeof tool.strict === "boolean" ? tool.strict : undefined,
        cache: asObject(tool.cache_control),
        at,
      });
    }
  }
  return { tools, webSearch };
}

function parseSearch(tool: JsonObject): WebSearch {
  const uses = typeof tool.max_uses === "number" ? tool.max_uses : undefined;
  const domains = (list: unknown) =>
    Array.isArray(list) ? list.filter((item) => typeof item === "string") : undefined;
  return {
    contextSize: uses === undefined ? "medium" : uses <= 1 ? "low" : uses <= 5 ? "medium" : "high",
    maxUses: uses,
    userLocation: asObject(tool.user_location),
    allowedDomains: domains(tool.allowed_domains),
    blockedDomains: domains(tool.blocked_domains),
  };
}

/** Reads `tool_choice`. */
export function parseToolChoice(choice: JsonObject | undefined): ToolChoice | undefined {
  switch (choice?.type) {
    case "auto":
      return { kind: "auto" };
    case "any":
      return { kind: "required" };
    case "none":
      return { kind: "none" };
    case "tool":
      return { kind: "named", name: asString(choice.name) ?? "" };
    default:
      return undefined;
  }
}

/** Reads `thinking` and `output_config.effort`. An effort without thinking says nothing of thinking. */
export function parseReasoning(body: JsonObject, note: Note): Reasoning {
  const thinking = asObject(body.thinking);
  const effort = asObject(body.output_config)?.effort;
  if (effort !== undefined && effort !== null && (thinking === undefined || thinking.type === "disabled")) {
    note("output_config.effort dropped: it is not asked to think, and nothing else has an effort");
  }
  if (thinking === undefined) return defaultReasoning;
  if (thinking.type === "disabled") return { mode: "off" };
  const budget = thinking.budget_tokens;
  return {
    mode: "on",
    ...(isEffort(effort) && effort !== "none" ? { effort } : {}),
    ...(typeof budget === "number" ? { budgetTokens: budget } : {}),
    ...(thinking.display === "omitted" ? { show: false } : {}),
  };
}

/** Reads `output_config.format`. The format guarantees the schema: strict. */
export function parseOutput(body: JsonObject): OutputShape | undefined {
  const format = asObject(asObject(body.output_config)?.format) ?? asObject(body.output_format);
  if (format?.type !== "json_schema") return undefined;
  return { kind: "schema", schema: asObject(format.schema) ?? {}, strict: true };
}
