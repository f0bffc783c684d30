import type { UpstreamEvent } from "../../../domain/exchange.ts";
import { parseExact } from "../../../wire/exact-json.ts";
import { asArray, asObject, type JsonObject } from "../../../wire/json.ts";

/** A whole message as the events of a stream, each block in as few as it takes. Undefined: it is no answer. */
export function messageEvents(body: Buffer): readonly UpstreamEvent[] | undefined {
  const message = asObject(parseExact(body.toString()));
  if (message === undefined || message.type === "error" || !Array.isArray(message.content)) return undefined;
  const { stop_reason, stop_sequence, stop_details, content, usage, ...head } = message;
  const begun = { ...head, content: [], stop_reason: null, stop_sequence: null, usage };
  return [
    { type: "message_start", message: begun },
    ...asArray(content).flatMap((block, index) => blockEvents(asObject(block) ?? {}, index)),
    {
      type: "message_delta",
      delta: { stop_reason: stop_reason ?? "end_turn", stop_sequence: stop_sequence ?? null, stop_details },
      ...(usage === undefined ? {} : { usage }),
    },
    { type: "message_stop" },
  ].map((event) => ({ event: event.type, data: JSON.stringify(event) }));
}

function blockEvents(block: JsonObject, index: number): { readonly type: string }[] {
  const { start, deltas } = opened(block);
  return [
    { type: "content_block_start", index, content_block: start } as { type: string },
    ...deltas.map((delta) => ({ type: "content_block_delta", index, delta })),
    { type: "content_block_stop", index } as { type: string },
  ];
}

/** A block as it begins, and what is added to it. A kind that is not known begins as it is. */
function opened(block: JsonObject): { start: JsonObject; deltas: JsonObject[] } {
  switch (block.type) {
    case "text": {
      const { citations, ...rest } = block;
      const cited = asArray(citations).map((citation) => ({ type: "citations_delta", citation }));
      return { start: { ...rest, text: "" }, deltas: [{ type: "text_delta", text: block.text }, ...cited] };
    }
    case "thinking":
      return {
        start: { type: "thinking", thinking: "", signature: "" },
        deltas: [
          { type: "thinking_delta", thinking: block.thinking },
          { type: "signature_delta", signature: block.signature },
        ],
      };
    case "tool_use":
    case "server_tool_use": {
      const input = { type: "input_json_delta", partial_json: JSON.stringify(block.input ?? {}) };
      return { start: { ...block, input: {} }, deltas: [input] };
    }
    default:
      return { start: block, deltas: [] };
  }
}
