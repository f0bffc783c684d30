import { messagesFormat } from "../../../modules/chat/anthropic-messages/format-name.ts";
import { functionOf } from "../../../modules/chat/neutral/custom-tools.ts";
import type { Note } from "../../../modules/chat/neutral/formats.ts";
import { plainRoot, rootFolded } from "../../../modules/chat/neutral/plain-root.ts";
import { cannotExpress } from "../../../modules/chat/neutral/refuse.ts";
import type { NeutralRequest, Tool, WebSearch } from "../../../modules/chat/neutral/request.ts";
import type { JsonObject } from "../../../wire/json.ts";
import type { Generation } from "../models.ts";
import { strictSchema } from "./strict-schema.ts";

/** Searches that a size of search stands for (as new-api maps them). */
const searchUses: Readonly<Record<WebSearch["contextSize"], number>> = { low: 1, medium: 5, high: 10 };

/** Writes the tools, the search of the web among them. */
export function writeTools(request: NeutralRequest, generation: Generation, note: Note): JsonObject[] {
  const tools = request.tools.map((tool) => writeTool(tool, generation, note));
  const { webSearch } = request;
  if (webSearch !== undefined) {
    tools.push({
      type: "web_search_20250305",
      name: "web_search",
      max_uses: webSearch.maxUses ?? searchUses[webSearch.contextSize],
      user_location: webSearch.userLocation,
      allowed_domains: webSearch.allowedDomains,
      blocked_domains: webSearch.blockedDomains,
    });
  }
  return tools;
}

function writeTool(tool: Tool, generation: Generation, note: Note): JsonObject {
  switch (tool.kind) {
    case "function": {
      const { name, description, parameters, strict, cache } = tool;
      if (strict === true && !generation.structuredOutput)
        note(`${tool.at}.strict dropped: this model does not take it`);
      const plain = plainRoot(parameters ?? {});
      if (plain !== parameters && parameters !== undefined) note(rootFolded(tool.at));
      const schema = strict === true && generation.structuredOutput ? heldSchema(plain, tool.at, note) : plain;
      return {
        name,
        description,
        input_schema: { type: "object", properties: {}, ...schema },
        ...(strict === true && generation.structuredOutput ? { strict } : {}),
        ...(cache === undefined ? {} : { cache_control: cache }),
      };
    }
    case "native":
      if (tool.format === messagesFormat) return tool.value;
      throw cannotExpress(tool.at, "its format has no such tool");
    case "custom":
      return writeTool(functionOf(tool, note), generation, note);
  }
}

/** Writes `tool_choice`; undefined: the vendor's default. */
export function writeToolChoice(request: NeutralRequest, hasTools: boolean): JsonObject | undefined {
  const { toolChoice, parallelToolCalls } = request;
  if (!hasTools) return undefined;
  const single = parallelToolCalls === false ? { disable_parallel_tool_use: true } : {};
  switch (toolChoice?.kind) {
    case "none":
      return { type: "none" };
    case "required":
      return { type: "any", ...single };
    case "named":
      return { type: "tool", name: toolChoice.name, ...single };
    case "auto":
      return { type: "auto", ...single };
    case undefined:
      return parallelToolCalls === false ? { type: "auto", ...single } : undefined;
  }
}

/** A schema as the vendor holds a model to it; that some of its words are only told to the model is noted. */
export function heldSchema(given: JsonObject, at: string, note: Note): JsonObject {
  const { schema, moved } = strictSchema(given);
  if (moved) note(`${at}: words that this vendor refuses in a schema moved into descriptions`);
  return schema;
}
