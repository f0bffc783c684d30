import { type Choose, type Given, named, odd, type Upstream, url } from "./given.ts";

const stopReason = { stop: "end_turn", length: "max_tokens", filtered: "refusal" } as const;

function messagesUsage(choose: Choose): object {
  return {
    input_tokens: 9,
    output_tokens: 4,
    ...odd(choose, "cache_creation_input_tokens", null, 0, 2),
    ...odd(choose, "cache_read_input_tokens", null, 0, 3),
    ...odd(choose, "cache_creation", null),
    ...odd(choose, "server_tool_use", null, { web_search_requests: 0 }),
    ...odd(choose, "service_tier", null, "standard"),
    ...odd(choose, "inference_geo", null, "global"),
  };
}

const cited = { type: "web_search_result_location", url, title: "A", cited_text: "a", encrypted_index: "e" };

function stopped(answer: Given, choose: Choose): object {
  const reason = answer.calls.length > 0 ? "tool_use" : stopReason[answer.finish];
  const details = { type: "refusal", category: "cyber", explanation: "No." };
  return {
    stop_reason: reason,
    ...odd(choose, "stop_sequence", null),
    ...(reason === "refusal" ? odd(choose, "stop_details", details, null) : odd(choose, "stop_details", null)),
  };
}

/** Anthropic's messages. */
export const messages: Upstream = {
  adapter: "anthropic",
  flavour: "",
  model: "claude-sonnet-4-5",
  whole(answer, choose) {
    const { text, thinking, calls, cites } = answer;
    const citations = cites ? { citations: [cited] } : odd(choose, "citations", null);
    const content = [
      ...(thinking === "" ? [] : [{ type: "thinking", thinking, signature: "c2ln" }]),
      ...(text === "" ? [] : [{ type: "text", text, ...citations }]),
      ...calls.map(({ name, input: given }, index) => ({ type: "tool_use", id: `toolu_${index}`, name, input: given })),
    ];
    const head = { id: "msg_up", type: "message", role: "assistant", model: "up" };
    const rest = { ...stopped(answer, choose), ...odd(choose, "container", null), usage: messagesUsage(choose) };
    return JSON.stringify({ ...head, content, ...rest });
  },
  streamed(answer, choose) {
    const { text, thinking, calls, cites } = answer;
    const message = {
      ...{ id: "msg_up", type: "message", role: "assistant", model: "up", content: [], stop_reason: null },
      ...odd(choose, "stop_sequence", null),
      usage: messagesUsage(choose),
    };
    const events: { type: string }[] = [{ type: "message_start", message } as { type: string }];
    const block = (start: object, ...deltas: readonly object[]) => {
      const index = events.filter(({ type }) => type === "content_block_start").length;
      events.push({ type: "content_block_start", index, content_block: start } as { type: string });
      for (const delta of deltas) events.push({ type: "content_block_delta", index, delta } as { type: string });
      events.push({ type: "content_block_stop", index } as { type: string });
    };
    if (thinking !== "") {
      block(
        { type: "thinking", thinking: "", ...odd(choose, "signature", "") },
        { type: "thinking_delta", thinking },
        { type: "signature_delta", signature: "c2ln" },
      );
    }
    if (text !== "") {
      const sources = cites ? [{ type: "citations_delta", citation: cited }] : [];
      block({ type: "text", text: "" }, ...sources, { type: "text_delta", text });
    }
    for (const [index, { name, input: given }] of calls.entries()) {
      const partial_json = JSON.stringify(given);
      block({ type: "tool_use", id: `toolu_${index}`, name, input: {} }, { type: "input_json_delta", partial_json });
    }
    const usage = { output_tokens: 4, ...odd(choose, "input_tokens", null, 9) };
    events.push({ type: "message_delta", delta: stopped(answer, choose), usage } as { type: string });
    events.push({ type: "message_stop" });
    return events.map(named).join("");
  },
};
