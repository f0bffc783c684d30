import { messagesFormat } from "../../../modules/chat/anthropic-messages/format-name.ts";
import type { Note } from "../../../modules/chat/neutral/formats.ts";
import { cannotExpress } from "../../../modules/chat/neutral/refuse.ts";
import type { NeutralRequest, Tool, WebSearch } from "../../../modules/chat/neutral/request.ts";
import { asArray, asObject, type JsonObject } from "../../../wire/json.ts";
import type { Generation } from "../models.ts";

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
      return {
        name,
        description,
        input_schema: { type: "object", properties: {}, ...parameters },
        ...(strict === true && generation.structuredOutput ? { strict } : {}),
        ...(cache === undefined ? {} : { cache_control: cache }),
      };
    }
    case "native":
      if (tool.format === messagesFormat) return tool.value;
      throw cannotExpress(tool.at, "its format has no such tool");
    case "custom": {
      if (tool.format !== undefined && tool.format.type !== "text") {
        throw cannotExpress(tool.at, "its tools take no grammar");
      }
      // Free text goes as the one value of an object, and comes back as the tool's text.
      const properties = { input: { type: "string" } };
      const schema = { type: "object", properties, required: ["input"] };
      return { name: tool.name, description: tool.description, input_schema: schema };
    }
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

/** A schema as the vendor's structured outputs want it: every object says that it takes no other properties. */
export function closedSchema(schema: JsonObject): JsonObject {
  const closed: JsonObject = {};
  for (const [name, value] of Object.entries(schema)) {
    if (Array.isArray(value)) {
      closed[name] = asArray(value).map((item) =>
        asObject(item) === undefined ? item : closedSchema(asObject(item) ?? {}),
      );
    } else closed[name] = asObject(value) === undefined ? value : closedSchema(asObject(value) ?? {});
  }
  if (schema.type === "object" && schema.additionalProperties === undefined) closed.additionalProperties = false;
  return closed;
}
