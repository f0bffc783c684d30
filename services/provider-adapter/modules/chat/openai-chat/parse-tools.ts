import { asArray, asObject, asString, type JsonObject } from "../../../wire/json.ts";
import type { OutputShape, Tool, ToolChoice, WebSearch } from "../neutral/request.ts";
import { chatFormat } from "./parse-messages.ts";

/** The tools of a chat request, legacy functions included, as far as its tool choice allows them. */
export function parseTools(body: JsonObject): Tool[] {
  const tools = asArray(body.tools).map((raw, index) => parseTool(asObject(raw) ?? {}, `tools[${index}]`));
  const legacy = asArray(body.functions).map((raw, index) => parseFunction(asObject(raw) ?? {}, `functions[${index}]`));
  const allowed = allowedNames(asObject(body.tool_choice));
  const all = [...tools, ...legacy];
  return allowed === undefined ? all : all.filter(({ name }) => allowed.has(name));
}

function parseTool(tool: JsonObject, at: string): Tool {
  const custom = asObject(tool.custom);
  if (tool.type === "custom" && custom !== undefined) {
    const { name, description, format } = custom;
    return {
      kind: "custom",
      name: asString(name) ?? "",
      description: asString(description),
      format: asObject(format),
      at,
    };
  }
  const given = asObject(tool.function);
  if (tool.type === "function" && given !== undefined) {
    const parsed = parseFunction(given, `${at}.function`);
    return { ...parsed, cache: asObject(tool.cache_control) ?? asObject(given.cache_control) };
  }
  return { kind: "native", format: chatFormat, name: asString(tool.type) ?? "", value: tool, at };
}

function parseFunction(given: JsonObject, at: string) {
  return {
    kind: "function" as const,
    name: asString(given.name) ?? "",
    description: asString(given.description),
    parameters: asObject(given.parameters),
    strict: typeof given.strict === "boolean" ? given.strict : undefined,
    at,
  };
}

function allowedNames(choice: JsonObject | undefined): ReadonlySet<string> | undefined {
  if (choice?.type !== "allowed_tools") return undefined;
  const names = asArray(asObject(choice.allowed_tools)?.tools).map((raw) => {
    const tool = asObject(raw) ?? {};
    return asString((asObject(tool.function) ?? asObject(tool.custom) ?? tool).name) ?? asString(tool.type) ?? "";
  });
  return new Set(names);
}

/** `tool_choice`, or the legacy `function_call`. */
export function parseToolChoice(value: unknown): ToolChoice | undefined {
  if (value === "none" || value === "auto" || value === "required") return { kind: value };
  const choice = asObject(value);
  if (choice === undefined) return undefined;
  if (choice.type === "allowed_tools") {
    return { kind: asObject(choice.allowed_tools)?.mode === "required" ? "required" : "auto" };
  }
  const named = asString((asObject(choice.function) ?? asObject(choice.custom) ?? choice).name);
  const isVendors = choice.type !== "function" && choice.type !== "custom";
  const name = named ?? (isVendors ? asString(choice.type) : undefined);
  return name === undefined ? undefined : { kind: "named", name };
}

/** `response_format`. */
export function parseOutput(value: unknown): OutputShape | undefined {
  const format = asObject(value);
  if (format?.type === "json_object") return { kind: "json" };
  const given = asObject(format?.json_schema);
  if (format?.type !== "json_schema" || given === undefined) return undefined;
  return {
    kind: "schema",
    schema: asObject(given.schema) ?? {},
    name: asString(given.name),
    description: asString(given.description),
    strict: typeof given.strict === "boolean" ? given.strict : undefined,
  };
}

/** `web_search_options`; the size defaults to medium. */
export function parseWebSearch(value: unknown): WebSearch | undefined {
  const given = asObject(value);
  if (given === undefined) return undefined;
  const size = given.search_context_size;
  const location = asObject(given.user_location);
  const approximate = asObject(location?.approximate);
  return {
    contextSize: size === "low" || size === "high" ? size : "medium",
    userLocation:
      location === undefined
        ? undefined
        : { type: "approximate", ...(approximate ?? { ...location, type: "approximate" }) },
  };
}
