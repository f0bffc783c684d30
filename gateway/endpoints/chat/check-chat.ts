import { ThroughlineError } from "../../../shared/errors/error.ts";
import { spellingOf } from "../../domain/field-spelling.ts";
import type { ChatBody } from "./schemas/chat.ts";

/**
 * What routing, the price and the reservation go by. They are read from the request's own fields, so `extra_body` must not
 * send others upstream: another model would be answered at the price of this one.
 */
const decidingFields: readonly string[] = [
  ...["model", "messages", "stream", "stream_options", "n", "max_tokens", "max_completion_tokens"],
  ...["tools", "functions", "response_format"],
];

const decidingSpelling = spellingOf(decidingFields);

/**
 * What the seed's schema says in words and JSON Schema cannot: content is required except of an assistant that calls
 * tools, `tool_call_id` is required of a tool's message, `extra_body` adds fields and changes none that decide. Throws
 * `missing_required_field` or `invalid_value` with the path.
 */
export function checkChat(body: ChatBody): void {
  for (const [index, message] of body.messages.entries()) {
    const calls = message.tool_calls ?? message.function_call;
    if (message.content === undefined || message.content === null) {
      const excused =
        message.role === "function" || (message.role === "assistant" && (calls ?? message.audio ?? message.refusal));
      if (!excused) throw missing(`messages[${index}].content`);
    }
    if (message.role === "tool" && !message.tool_call_id) throw missing(`messages[${index}].tool_call_id`);
    if (message.role === "function" && !message.name) throw missing(`messages[${index}].name`);
  }
  for (const [index, tool] of (body.tools ?? []).entries()) {
    if (tool.type === "function" && tool.function === undefined) throw missing(`tools[${index}].function`);
  }
  if (body.stream_options && body.stream !== true) {
    throw new ThroughlineError("invalid_value", "stream_options is only allowed when stream is true.", {
      param: "stream_options",
    });
  }
  for (const name of Object.keys(body.extra_body ?? {})) {
    if (!decidingFields.includes(name) && decidingSpelling.misspelt([name]) === undefined) continue;
    const param = `extra_body.${name}`;
    throw new ThroughlineError("invalid_value", `${param} is not taken; send it as a field of the request.`, {
      param,
    });
  }
}

function missing(param: string): ThroughlineError {
  return new ThroughlineError("missing_required_field", `${param} is required.`, { param });
}
