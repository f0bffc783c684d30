import { functionOf } from "../../../modules/chat/neutral/custom-tools.ts";
import type { Note } from "../../../modules/chat/neutral/formats.ts";
import { plainRoot, rootFolded } from "../../../modules/chat/neutral/plain-root.ts";
import { cannotExpress } from "../../../modules/chat/neutral/refuse.ts";
import { type NeutralRequest, pathOf, type Tool } from "../../../modules/chat/neutral/request.ts";
import { asObject, asString, type JsonObject } from "../../../wire/json.ts";
import { heldSchema } from "../../anthropic/chat/write-tools.ts";
import type { Family } from "../models.ts";
import { cachePoint } from "./cache-point.ts";
import type { Turn } from "./write-messages.ts";

/** Writes `toolConfig`; undefined: the request has no tools. A conversation with calls needs the tools that were called. */
export function writeToolConfig(
  request: NeutralRequest,
  turns: readonly Turn[],
  family: Family,
  note: Note,
): JsonObject | undefined {
  const { toolChoice, parallelToolCalls } = request;
  const path = pathOf(request, "toolChoice");
  const called = calledIn(turns);
  if (parallelToolCalls === false && request.tools.length > 0) {
    note(`${pathOf(request, "parallelToolCalls")} dropped: the upstream's format has no such field`);
  }
  if (toolChoice?.kind === "none" && called.size === 0) return undefined;
  if (toolChoice?.kind === "none")
    note(`${path}: tools that were called have to stay; that none is called cannot be held`);
  const { tools, choice } = chosen(request, family, path);
  const written = tools.flatMap((tool) => writeTool(tool, family, note));
  const known = new Set(tools.map((tool) => tool.name));
  const missing = [...called].filter((name) => !known.has(name));
  if (missing.length > 0 && written.length === 0) {
    note("tools that were called earlier were declared: the upstream wants them");
    for (const name of missing)
      written.push({ toolSpec: { name, inputSchema: { json: { type: "object", properties: {} } } } });
  }
  if (written.length === 0) return undefined;
  return { tools: written, ...(choice === undefined ? {} : { toolChoice: choice }) };
}

function calledIn(turns: readonly Turn[]): ReadonlySet<string> {
  const blocks = turns.flatMap(({ content }) => content);
  return new Set(blocks.flatMap((block) => asString(asObject(block.toolUse)?.name) ?? []));
}

/** The tools that are offered, and the choice among them. One that the model cannot be held to is refused. */
function chosen(
  { tools, toolChoice }: NeutralRequest,
  { toolChoices }: Family,
  path: string,
): { readonly tools: readonly Tool[]; readonly choice?: JsonObject } {
  switch (toolChoice?.kind) {
    case "required":
      if (!toolChoices.has("any")) throw cannotExpress(path, "this model cannot be held to a call");
      return { tools, choice: { any: {} } };
    case "named": {
      const { name } = toolChoice;
      if (toolChoices.has("tool")) return { tools, choice: { tool: { name } } };
      const named = tools.filter((tool) => tool.name === name);
      if (!toolChoices.has("any") || named.length === 0) {
        throw cannotExpress(path, "this model cannot be held to a call of one tool");
      }
      return { tools: named, choice: { any: {} } };
    }
    default:
      return { tools };
  }
}

function writeTool(tool: Tool, family: Family, note: Note): JsonObject[] {
  switch (tool.kind) {
    case "custom":
      return writeTool(functionOf(tool, note), family, note);
    case "native":
      throw cannotExpress(tool.at, "its format has no such tool");
    case "function": {
      const { name, description, parameters, cache } = tool;
      const strict = tool.strict === true && family.structuredOutput;
      if (tool.strict === true && !strict) note(`${tool.at}.strict dropped: this model does not take it`);
      const plain = plainRoot(parameters ?? {});
      if (plain !== parameters && parameters !== undefined) note(rootFolded(tool.at));
      const schema = strict ? heldSchema(plain, tool.at, note) : plain;
      const spec = {
        name,
        // An empty one is refused.
        description: description || undefined,
        inputSchema: { json: { type: "object", properties: {}, ...schema } },
        ...(strict ? { strict } : {}),
      };
      return [{ toolSpec: spec }, ...(cache === undefined ? [] : toolCache(cache, family, note))];
    }
  }
}

/** Among the models with cache points, Claude alone takes them behind tools. */
function toolCache(cache: JsonObject, family: Family, note: Note): JsonObject[] {
  return cachePoint(cache, family.claude === undefined ? { ...family, cachePoints: false } : family, note);
}
