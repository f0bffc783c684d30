import { asObject, asString, parseJson } from "../../../wire/json.ts";
import type { Emit } from "../neutral/events.ts";

/** What an event of a stream adds to the answer, as steps; an event that adds nothing gives none. */
export function readDelta(data: string, emit: Emit): void {
  const event = asObject(parseJson(data)) ?? {};
  const text = asString(event.delta) ?? "";
  const call = typeof event.output_index === "number" ? event.output_index : 0;
  switch (event.type) {
    case "response.output_text.delta":
      emit({ type: "text", choice: 0, text });
      return;
    case "response.refusal.delta":
      emit({ type: "refusal", choice: 0, text });
      return;
    case "response.reasoning_summary_text.delta":
    case "response.reasoning_text.delta":
      emit({ type: "thinking", choice: 0, text });
      return;
    case "response.function_call_arguments.delta":
    case "response.custom_tool_call_input.delta":
      emit({ type: "tool_input", choice: 0, call, text });
      return;
    case "response.output_item.added": {
      const item = asObject(event.item) ?? {};
      if (item.type !== "function_call" && item.type !== "custom_tool_call") return;
      const id = asString(item.call_id) ?? "";
      const name = asString(item.name) ?? "";
      emit({ type: "tool_call", choice: 0, call, id, name, custom: item.type === "custom_tool_call" });
      return;
    }
  }
}
