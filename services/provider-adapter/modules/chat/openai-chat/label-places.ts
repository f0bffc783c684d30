import { asArray, asObject, asString, type JsonObject } from "../../../wire/json.ts";
import type { FitOne, LabelPlaces } from "../passthrough-labels.ts";

/** Where the labels of tools and calls stand in a chat body. */
export const chatLabels: LabelPlaces = {
  names: ["name"],
  callIds: ["tool_call_id"],
  fields: {
    tools: (value, fit) => listOf(value, (tool) => withName(tool, fit)),
    tool_choice: (value, fit) => {
      const choice = asObject(value);
      if (choice === undefined) return value;
      const allowed = asObject(choice.allowed_tools);
      if (allowed === undefined) return withName(choice, fit);
      return { ...choice, allowed_tools: { ...allowed, tools: listOf(allowed.tools, (tool) => withName(tool, fit)) } };
    },
    messages: (value, fit) => listOf(value, (message) => fitMessage(message, fit)),
  },
};

/** A list with its objects changed; anything else as it is. */
export function listOf(value: unknown, change: (item: JsonObject) => JsonObject): unknown {
  if (!Array.isArray(value)) return value;
  return asArray(value).map((raw) => {
    const item = asObject(raw);
    return item === undefined ? raw : change(item);
  });
}

/** A tool or a call with its name fitted, which stands in `function` or `custom`. One of the vendor's own has the vendor's name. */
function withName(item: JsonObject, fit: FitOne): JsonObject {
  if (item.type === "builtin_function") return item;
  for (const kind of ["function", "custom"]) {
    const given = asObject(item[kind]);
    const name = asString(given?.name);
    if (name !== undefined) return { ...item, [kind]: { ...given, name: fit.name(name) } };
  }
  return item;
}

function fitMessage(message: JsonObject, fit: FitOne): JsonObject {
  const answered = asString(message.tool_call_id);
  if (answered !== undefined) return { ...message, tool_call_id: fit.callId(answered) };
  if (!Array.isArray(message.tool_calls)) return message;
  const calls = listOf(message.tool_calls, (call) => {
    const id = asString(call.id);
    return withName(id === undefined ? call : { ...call, id: fit.callId(id) }, fit);
  });
  return { ...message, tool_calls: calls };
}
