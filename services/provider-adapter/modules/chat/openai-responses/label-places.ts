import { asObject, asString, type JsonObject } from "../../../wire/json.ts";
import { listOf } from "../openai-chat/label-places.ts";
import type { FitOne, LabelPlaces } from "../passthrough-labels.ts";

/** Where the labels of tools and calls stand in a body of responses. */
export const responsesLabels: LabelPlaces = {
  names: ["name"],
  callIds: ["call_id"],
  fields: {
    tools: (value, fit) => listOf(value, (tool) => fitTool(tool, fit)),
    tool_choice: (value, fit) => {
      const choice = asObject(value);
      if (choice === undefined) return value;
      return fitTool({ ...choice, ...(choice.tools === undefined ? {} : { tools: fitAll(choice.tools, fit) }) }, fit);
    },
    input: (value, fit) => listOf(value, (item) => fitItem(item, fit)),
  },
};

function fitAll(tools: unknown, fit: FitOne): unknown {
  return listOf(tools, (tool) => fitTool(tool, fit));
}

function fitTool(tool: JsonObject, fit: FitOne): JsonObject {
  if (tool.type === "namespace" && tool.tools !== undefined) return { ...tool, tools: fitAll(tool.tools, fit) };
  return tool.type === "function" || tool.type === "custom" ? withName(tool, fit) : tool;
}

function withName(item: JsonObject, fit: FitOne): JsonObject {
  const name = asString(item.name);
  return name === undefined ? item : { ...item, name: fit.name(name) };
}

function fitItem(item: JsonObject, fit: FitOne): JsonObject {
  const id = asString(item.call_id);
  const fitting = id === undefined ? item : { ...item, call_id: fit.callId(id) };
  return item.type === "function_call" || item.type === "custom_tool_call" ? withName(fitting, fit) : fitting;
}
