import type { Note } from "../../../modules/chat/neutral/formats.ts";
import { cannotExpress } from "../../../modules/chat/neutral/refuse.ts";
import { type NeutralRequest, pathOf, type Tool } from "../../../modules/chat/neutral/request.ts";
import type { JsonObject } from "../../../wire/json.ts";
import type { Generation } from "../models.ts";
import { openApiSchema } from "./schema.ts";
import { geminiFormatName } from "./write-contents.ts";

/** The tools of a request and how they may be used. */
export interface WrittenTools {
  readonly tools: readonly JsonObject[] | undefined;
  readonly toolConfig: JsonObject | undefined;
}

/** Writes the tools, the search of the web among them. */
export function writeTools(request: NeutralRequest, generation: Generation, note: Note): WrittenTools {
  const functions = request.tools.flatMap((tool) =>
    tool.kind === "native" ? [] : [writeFunction(tool, generation, note)],
  );
  const tools: JsonObject[] = functions.length === 0 ? [] : [{ functionDeclarations: functions }];
  for (const tool of request.tools) {
    if (tool.kind !== "native") continue;
    if (tool.format !== geminiFormatName) throw cannotExpress(tool.at, "its format has no such tool");
    tools.push(tool.value);
  }
  const search = writeSearch(request, note);
  if (search !== undefined) {
    if (functions.length > 0 && !generation.toolsTogether) {
      throw cannotExpress(pathOf(request, "webSearch"), "it does not search the web where functions may be called");
    }
    tools.push(search);
  }
  if (tools.length > 0 && request.output !== undefined && !generation.toolsTogether) {
    throw cannotExpress(pathOf(request, "output"), "it holds no answer to a form where it may use tools");
  }
  const calling = functions.length === 0 ? undefined : writeChoice(request);
  const toolConfig = {
    ...(calling === undefined ? {} : { functionCallingConfig: calling }),
    // Without it the vendor refuses its own tools beside functions.
    ...(search !== undefined && functions.length > 0 ? { includeServerSideToolInvocations: true } : {}),
  };
  if (functions.length > 0 && request.parallelToolCalls === false) {
    note(`${pathOf(request, "parallelToolCalls")} dropped: the upstream's format has no such field`);
  }
  return {
    tools: tools.length === 0 ? undefined : tools,
    toolConfig: Object.keys(toolConfig).length === 0 ? undefined : toolConfig,
  };
}

function writeFunction(tool: Exclude<Tool, { kind: "native" }>, generation: Generation, note: Note): JsonObject {
  const { name, description } = tool;
  if (tool.kind === "custom") {
    if (tool.format !== undefined && tool.format.type !== "text") {
      throw cannotExpress(tool.at, "its tools take no grammar");
    }
    // Free text goes as the one value of an object, and comes back as the tool's text.
    const schema = { type: "object", properties: { input: { type: "string" } }, required: ["input"] };
    return { name, description, parameters: schema };
  }
  if (tool.cache !== undefined) note("cache_control dropped: this vendor caches by itself");
  if (tool.strict === true) note(`${tool.at}.strict dropped: the upstream's format has no such field`);
  const schema = tool.parameters;
  // An object without properties is refused: such a function takes nothing.
  if (schema === undefined || Object.keys(schema).length === 0) return { name, description };
  return generation.jsonSchema
    ? { name, description, parametersJsonSchema: schema }
    : { name, description, parameters: openApiSchema(schema, tool.at) };
}

function writeSearch(request: NeutralRequest, note: Note): JsonObject | undefined {
  const { webSearch } = request;
  if (webSearch === undefined) return undefined;
  const path = pathOf(request, "webSearch");
  if (webSearch.allowedDomains !== undefined) throw cannotExpress(path, "it searches the whole web");
  if (webSearch.userLocation !== undefined) note(`${path}: user_location dropped: the upstream's search takes none`);
  if (webSearch.maxUses !== undefined) note(`${path}: max_uses dropped: the upstream's search takes none`);
  if (webSearch.blockedDomains !== undefined) throw cannotExpress(path, "it searches the whole web");
  return { googleSearch: {} };
}

function writeChoice({ toolChoice }: NeutralRequest): JsonObject | undefined {
  switch (toolChoice?.kind) {
    case undefined:
      return undefined;
    case "auto":
      return { mode: "AUTO" };
    case "none":
      return { mode: "NONE" };
    case "required":
      return { mode: "ANY" };
    case "named":
      return { mode: "ANY", allowedFunctionNames: [toolChoice.name] };
  }
}
