import { asArray, asObject, asString, type JsonObject } from "../../../wire/json.ts";
import type { OutputShape, Tool, ToolChoice, WebSearch } from "../neutral/request.ts";
import { responsesFormat } from "./format-name.ts";

/** Tools, and the search that one of them may ask for. */
export interface ParsedTools {
  readonly tools: readonly Tool[];
  readonly webSearch: WebSearch | undefined;
}

/** Reads `tools`, as far as the tool choice allows them. The search of the web is a capability that other formats have. */
export function parseTools(body: JsonObject): ParsedTools {
  const tools: Tool[] = [];
  let webSearch: WebSearch | undefined;
  const allowed = allowedNames(asObject(body.tool_choice));
  for (const [index, raw] of asArray(body.tools).entries()) {
    const tool = asObject(raw) ?? {};
    const at = `tools[${index}]`;
    const type = asString(tool.type) ?? "";
    const name = asString(tool.name) ?? "";
    if (type.startsWith("web_search")) {
      if (allowed?.has(type) !== false) webSearch = parseSearch(tool);
    } else if (type !== "function" && type !== "custom") {
      tools.push({ kind: "native", format: responsesFormat, value: tool, at });
    } else if (allowed?.has(name) === false) {
      // Not allowed in this turn.
    } else if (type === "custom") {
      tools.push({ kind: "custom", name, description: asString(tool.description), format: formatOf(tool), at });
    } else {
      tools.push({
        kind: "function",
        name,
        description: asString(tool.description),
        parameters: asObject(tool.parameters),
        strict: typeof tool.strict === "boolean" ? tool.strict : undefined,
        at,
      });
    }
  }
  return { tools, webSearch };
}

/** A grammar stands one level deeper in the chat form, which the neutral one keeps. */
function formatOf(tool: JsonObject): JsonObject | undefined {
  const format = asObject(tool.format);
  if (format?.type !== "grammar") return format;
  const { type, ...grammar } = format;
  return { type, grammar };
}

function parseSearch(tool: JsonObject): WebSearch {
  const size = tool.search_context_size;
  const domains = asObject(tool.filters)?.allowed_domains;
  return {
    contextSize: size === "low" || size === "high" ? size : "medium",
    userLocation: asObject(tool.user_location),
    ...(Array.isArray(domains) ? { allowedDomains: domains.filter((name) => typeof name === "string") } : {}),
  };
}

function allowedNames(choice: JsonObject | undefined): ReadonlySet<string> | undefined {
  if (choice?.type !== "allowed_tools") return undefined;
  const names = asArray(choice.tools).map((raw) => {
    const tool = asObject(raw) ?? {};
    return asString(tool.name) ?? asString(tool.type) ?? "";
  });
  return new Set(names);
}

/** Reads `tool_choice`. One that names a tool of the vendor's own leaves the choice to the model. */
export function parseToolChoice(value: unknown): ToolChoice | undefined {
  if (value === "none" || value === "auto" || value === "required") return { kind: value };
  const choice = asObject(value);
  if (choice === undefined) return undefined;
  if (choice.type === "allowed_tools") return { kind: choice.mode === "required" ? "required" : "auto" };
  const name = choice.type === "function" || choice.type === "custom" ? asString(choice.name) : undefined;
  return name === undefined ? { kind: "auto" } : { kind: "named", name };
}

/** Reads `text.format`. */
export function parseOutput(format: JsonObject | undefined): OutputShape | undefined {
  if (format?.type === "json_object") return { kind: "json" };
  if (format?.type !== "json_schema") return undefined;
  return {
    kind: "schema",
    schema: asObject(format.schema) ?? {},
    name: asString(format.name),
    description: asString(format.description),
    strict: typeof format.strict === "boolean" ? format.strict : undefined,
  };
}
