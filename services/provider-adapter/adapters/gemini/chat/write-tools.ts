import { geminiFormatName } from "../../../modules/chat/gemini/format-name.ts";
import { functionOf } from "../../../modules/chat/neutral/custom-tools.ts";
import type { Note } from "../../../modules/chat/neutral/formats.ts";
import { plainRoot, rootFolded } from "../../../modules/chat/neutral/plain-root.ts";
import { cannotExpress } from "../../../modules/chat/neutral/refuse.ts";
import { type NeutralRequest, pathOf, searchName, type Tool } from "../../../modules/chat/neutral/request.ts";
import type { JsonObject } from "../../../wire/json.ts";
import type { Generation } from "../models.ts";
import { openApiSchema } from "./schema.ts";

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
  const search = writeSearch(request, functions.length > 0 && !generation.toolsTogether, note);
  if (search !== undefined) tools.push(search);
  if (tools.length > 0 && request.output !== undefined && !generation.toolsTogether) {
    throw cannotExpress(pathOf(request, "output"), "it holds no answer to a form where it may use tools");
  }
  const calling = functions.length === 0 ? undefined : writeChoice(request, note);
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
  if (tool.kind === "custom") return writeFunction(functionOf(tool, note), generation, note);
  const { name, description } = tool;
  if (tool.cache !== undefined) note("cache_control dropped: this vendor caches by itself");
  if (tool.strict === true) note(`${tool.at}.strict dropped: the upstream's format has no such field`);
  const schema = tool.parameters === undefined ? undefined : plainRoot(tool.parameters);
  if (schema !== tool.parameters) note(rootFolded(tool.at));
  // An object without properties is refused: such a function takes nothing.
  if (schema === undefined || Object.keys(schema).length === 0) return { name, description };
  return generation.jsonSchema
    ? { name, description, parametersJsonSchema: schema }
    : { name, description, parameters: openApiSchema(schema, tool.at) };
}

/** The search of the web. Where the model cannot do it as it is asked for it is left out, unless the client insists on it. */
function writeSearch(request: NeutralRequest, isAlone: boolean, note: Note): JsonObject | undefined {
  const { webSearch, toolChoice } = request;
  if (webSearch === undefined) return undefined;
  const path = pathOf(request, "webSearch");
  const isBound = webSearch.allowedDomains !== undefined || webSearch.blockedDomains !== undefined;
  const why = isBound
    ? "it searches the whole web"
    : isAlone
      ? "it does not search the web where functions may be called"
      : undefined;
  if (why !== undefined) {
    if (toolChoice?.kind === "named" && toolChoice.name === searchName) throw cannotExpress(path, why);
    note(`${path}: search of the web left out: ${why}`);
    return undefined;
  }
  if (webSearch.userLocation !== undefined) note(`${path}: user_location dropped: the upstream's search takes none`);
  if (webSearch.maxUses !== undefined) note(`${path}: max_uses dropped: the upstream's search takes none`);
  return { googleSearch: {} };
}

function writeChoice(request: NeutralRequest, note: Note): JsonObject | undefined {
  const { toolChoice, tools } = request;
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
      // The search is no function: the model cannot be held to it.
      if (!tools.some(({ name }) => name === toolChoice.name)) {
        note(
          `${pathOf(request, "toolChoice")} dropped: the upstream's models choose by themselves whether they search`,
        );
        return undefined;
      }
      return { mode: "ANY", allowedFunctionNames: [toolChoice.name] };
  }
}
