import { asArray, asObject, asString, type JsonObject } from "../../../wire/json.ts";
import type { Note } from "../neutral/formats.ts";
import { cannotExpress } from "../neutral/refuse.ts";
import { type OutputShape, searchName, type Tool, type ToolChoice, type WebSearch } from "../neutral/request.ts";
import { responsesFormat } from "./format-name.ts";
import { membersOf, type Namespaces } from "./namespaces.ts";

/** Tools, the search that one of them may ask for, and which of them may be called. */
export interface ParsedTools {
  readonly tools: readonly Tool[];
  readonly webSearch: WebSearch | undefined;
  readonly toolChoice: ToolChoice | undefined;
}

/**
 * Reads `tools` and `tool_choice`. Tools that the choice does not allow are left out, those of a namespace stand for
 * themselves under their flat names. The search of the web is a capability that other formats have.
 */
export function parseTools(body: JsonObject, namespaces: Namespaces, note: Note): ParsedTools {
  const tools: Tool[] = [];
  let webSearch: WebSearch | undefined;
  const given = asArray(body.tools).map((raw) => asObject(raw) ?? {});
  const toolChoice = parseToolChoice(body.tool_choice, namespaces);
  const allowed = allowedNames(asObject(body.tool_choice), given, namespaces);
  const isAllowed = (name: string) => allowed === undefined || allowed.has(name);
  for (const [index, tool] of given.entries()) {
    const at = `tools[${index}]`;
    const type = asString(tool.type) ?? "";
    if (isSearch(type)) {
      if (isAllowed(searchName)) webSearch = parseSearch(tool, at, isNamed(toolChoice, searchName), note) ?? webSearch;
    } else if (type === "namespace") {
      for (const member of parseNamespace(tool, at, namespaces)) if (isAllowed(member.name)) tools.push(member);
    } else {
      const parsed = parseTool(tool, at, asString(tool.name) ?? "");
      if (isAllowed(parsed.name)) tools.push(parsed);
    }
  }
  return { tools, webSearch, toolChoice };
}

function parseTool(tool: JsonObject, at: string, name: string): Tool {
  if (tool.type === "custom") {
    return { kind: "custom", name, description: asString(tool.description), format: formatOf(tool), at };
  }
  if (tool.type !== "function") {
    return { kind: "native", format: responsesFormat, name: asString(tool.type) ?? "", value: tool, at };
  }
  return {
    kind: "function",
    name,
    description: asString(tool.description),
    parameters: asObject(tool.parameters),
    strict: typeof tool.strict === "boolean" ? tool.strict : undefined,
    at,
  };
}

/** The first tool of a namespace carries its description: other formats have no other place for it. */
function parseNamespace(group: JsonObject, at: string, namespaces: Namespaces): Tool[] {
  const namespace = asString(group.name) ?? "";
  const about = asString(group.description);
  return membersOf(group).map(({ name, tool }, index) => {
    const parsed = parseTool(tool, `${at}.tools[${index}]`, namespaces.flatName(name, namespace));
    if (index > 0 || !about || parsed.kind === "native") return parsed;
    const own = parsed.description === undefined ? "" : `${parsed.description}\n\n`;
    return { ...parsed, description: `${own}${namespace}: ${about}` };
  });
}

/** A grammar stands one level deeper in the chat form, which the neutral one keeps. */
function formatOf(tool: JsonObject): JsonObject | undefined {
  const format = asObject(tool.format);
  if (format?.type !== "grammar") return format;
  const { type, ...grammar } = format;
  return { type, grammar };
}

function isSearch(type: string): boolean {
  return type.startsWith("web_search");
}

/** Reads a search. One that must not reach the web is none: other vendors search the web as it is, and bill it. */
function parseSearch(tool: JsonObject, at: string, isDemanded: boolean, note: Note): WebSearch | undefined {
  if (tool.external_web_access === false) {
    if (isDemanded) throw cannotExpress(at, "it searches the web as it is, and not only what is cached");
    note(`${at} left out: the upstream searches the web as it is, and external_web_access is false`);
    return undefined;
  }
  const size = tool.search_context_size;
  const domains = asObject(tool.filters)?.allowed_domains;
  return {
    contextSize: size === "low" || size === "high" ? size : "medium",
    userLocation: asObject(tool.user_location),
    ...(Array.isArray(domains) ? { allowedDomains: domains.filter((name) => typeof name === "string") } : {}),
  };
}

function isNamed(choice: ToolChoice | undefined, name: string): boolean {
  return choice?.kind === "named" && choice.name === name;
}

/** Names of the tools that may be called; undefined: all of them. */
function allowedNames(
  choice: JsonObject | undefined,
  given: readonly JsonObject[],
  namespaces: Namespaces,
): ReadonlySet<string> | undefined {
  const listed =
    choice?.type === "allowed_tools" ? asArray(choice.tools) : choice?.type === "namespace" ? [choice] : [];
  if (choice?.type !== "allowed_tools" && listed.length === 0) return undefined;
  const names = new Set<string>();
  for (const raw of listed) {
    const tool = asObject(raw) ?? {};
    if (tool.type !== "namespace") names.add(chosenName(tool, namespaces));
    else {
      const namespace = asString(tool.name) ?? "";
      for (const group of given) {
        if (group.type !== "namespace" || group.name !== namespace) continue;
        for (const { name } of membersOf(group)) names.add(namespaces.flatName(name, namespace));
      }
    }
  }
  return names;
}

/** The name of the tool that an entry of a choice names: of the vendor's own tools it is their type. */
function chosenName(entry: JsonObject, namespaces: Namespaces): string {
  const type = asString(entry.type) ?? "function";
  if (isSearch(type)) return searchName;
  if (type !== "function" && type !== "custom") return type;
  return namespaces.flatName(asString(entry.name) ?? "", asString(entry.namespace));
}

function parseToolChoice(value: unknown, namespaces: Namespaces): ToolChoice | undefined {
  if (value === "none" || value === "auto" || value === "required") return { kind: value };
  const choice = asObject(value);
  if (choice === undefined) return undefined;
  if (choice.type === "allowed_tools") return { kind: choice.mode === "required" ? "required" : "auto" };
  if (choice.type === "namespace") return { kind: "required" };
  return { kind: "named", name: chosenName(choice, namespaces) };
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
