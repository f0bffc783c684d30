import { asArray, asObject, asString, type JsonObject } from "../../../wire/json.ts";
import type { Note } from "../neutral/formats.ts";
import type { Tool, ToolChoice, WebSearch } from "../neutral/request.ts";
import { field, objectField } from "./fields.ts";
import { geminiFormatName } from "./format-name.ts";
import { toJsonSchema } from "./json-schema.ts";

/** Tools, how they may be used, and the search that one of them may ask for. */
export interface ParsedTools {
  readonly tools: readonly Tool[];
  readonly toolChoice: ToolChoice | undefined;
  readonly webSearch: WebSearch | undefined;
}

const searches = ["googleSearch", "googleSearchRetrieval"];

/** Reads `tools` and `toolConfig`. */
export function parseTools(body: JsonObject, note: Note): ParsedTools {
  let tools: Tool[] = [];
  let webSearch: WebSearch | undefined;
  for (const [index, raw] of asArray(body.tools).entries()) {
    const tool = asObject(raw) ?? {};
    const at = `tools[${index}]`;
    for (const [place, given] of asArray(field(tool, "functionDeclarations")).entries()) {
      tools.push(parseFunction(asObject(given) ?? {}, `${at}.functionDeclarations[${place}]`));
    }
    if (searches.some((name) => field(tool, name) !== undefined)) webSearch = { contextSize: "medium" };
    const others = Object.keys(tool).filter((name) => !isRead(name) && tool[name] !== null);
    if (others.length > 0) {
      const value = Object.fromEntries(others.map((name) => [name, tool[name]]));
      tools.push({ kind: "native", format: geminiFormatName, name: others[0] ?? "", value, at });
    }
  }
  const calling = objectField(objectField(body, "toolConfig"), "functionCallingConfig");
  const allowed = asArray(field(calling, "allowedFunctionNames")).filter((name) => typeof name === "string");
  const [only] = allowed;
  const mode = (asString(calling?.mode) ?? "").toUpperCase();
  if (allowed.length > 1 && mode === "ANY") {
    tools = tools.filter((tool) => tool.kind === "native" || allowed.includes(tool.name));
    note("toolConfig.functionCallingConfig.allowedFunctionNames: the other functions were not offered");
  }
  return { tools, webSearch, toolChoice: choiceOf(mode, allowed.length === 1 ? only : undefined) };
}

function isRead(name: string): boolean {
  const camel = name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
  return camel === "functionDeclarations" || searches.includes(camel);
}

function choiceOf(mode: string, only: string | undefined): ToolChoice | undefined {
  switch (mode) {
    case "ANY":
      return only === undefined ? { kind: "required" } : { kind: "named", name: only };
    case "NONE":
      return { kind: "none" };
    case "AUTO":
    case "VALIDATED":
      return { kind: "auto" };
    default:
      return undefined;
  }
}

function parseFunction(given: JsonObject, at: string): Tool {
  const plain = objectField(given, "parametersJsonSchema");
  const open = asObject(given.parameters);
  return {
    kind: "function",
    name: asString(given.name) ?? "",
    description: asString(given.description),
    parameters: plain ?? (open === undefined ? undefined : toJsonSchema(open)),
    strict: undefined,
    at,
  };
}
