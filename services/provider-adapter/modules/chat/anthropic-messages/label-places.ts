import { asObject, asString, type JsonObject } from "../../../wire/json.ts";
import { listOf } from "../openai-chat/label-places.ts";
import type { FitOne, LabelPlaces } from "../passthrough-labels.ts";

/** Where the labels of tools and calls stand in a body of messages. */
export const messagesLabels: LabelPlaces = {
  names: ["name"],
  callIds: ["tool_use_id"],
  fields: {
    // The vendor's own tools have the names that it gave them.
    tools: (value, fit) =>
      listOf(value, (tool) => (tool.type === undefined || tool.type === "custom" ? withName(tool, fit) : tool)),
    tool_choice: (value, fit) => {
      const choice = asObject(value);
      return choice?.type === "tool" ? withName(choice, fit) : value;
    },
    messages: (value, fit) =>
      listOf(value, (message) =>
        Array.isArray(message.content)
          ? { ...message, content: listOf(message.content, (block) => fitBlock(block, fit)) }
          : message,
      ),
  },
};

function withName(item: JsonObject, fit: FitOne): JsonObject {
  const name = asString(item.name);
  return name === undefined ? item : { ...item, name: fit.name(name) };
}

function fitBlock(block: JsonObject, fit: FitOne): JsonObject {
  if (block.type === "tool_use") {
    const id = asString(block.id);
    return withName(id === undefined ? block : { ...block, id: fit.callId(id) }, fit);
  }
  const answered = block.type === "tool_result" ? asString(block.tool_use_id) : undefined;
  return answered === undefined ? block : { ...block, tool_use_id: fit.callId(answered) };
}
