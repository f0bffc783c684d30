import { type Choose, type Given, named, odd, type Upstream, url } from "./given.ts";

function responseItems(answer: Given, choose: Choose): Record<string, unknown>[] {
  const { text, thinking, calls, cites } = answer;
  const annotations = cites ? [{ type: "url_citation", url, title: "A", start_index: 0, end_index: 1 }] : [];
  const summary = [{ type: "summary_text", text: thinking }];
  const sealed = odd(choose, "encrypted_content", null, "gAAA");
  const logprobs = odd(choose, "logprobs", []);
  const content = [{ type: "output_text", text, annotations, ...logprobs }];
  return [
    ...(thinking === "" ? [] : [{ id: "rs_1", type: "reasoning", summary, ...sealed }]),
    ...(text === "" ? [] : [{ id: "msg_1", type: "message", role: "assistant", status: "completed", content }]),
    ...calls.map(({ name, input: given }, index) => ({
      ...{ id: `fc_${index}`, type: "function_call", call_id: `call_${index}`, status: "completed", name },
      arguments: JSON.stringify(given),
    })),
  ];
}

function response(answer: Given, choose: Choose, output: readonly object[]): Record<string, unknown> {
  const reasons = { stop: null, length: "max_output_tokens", filtered: "content_filter" } as const;
  const reason = reasons[answer.finish];
  const details = { input_tokens_details: { cached_tokens: 0 }, output_tokens_details: { reasoning_tokens: 0 } };
  return {
    ...{ id: "resp_up", object: "response", created_at: 1_790_000_000, model: "up", output, error: null },
    status: reason === null ? "completed" : "incomplete",
    incomplete_details: reason === null ? null : { reason },
    ...{ parallel_tool_calls: true, tool_choice: "auto", tools: [], metadata: {}, instructions: null },
    ...odd(choose, "service_tier", null, "default"),
    ...odd(choose, "previous_response_id", null),
    ...odd(choose, "reasoning", null, { effort: null, summary: null }),
    usage: { input_tokens: 9, output_tokens: 4, total_tokens: 13, ...details },
  };
}

/** OpenAI's responses. */
export const responses: Upstream = {
  adapter: "openai",
  flavour: '{"chat":false,"responses":true}',
  model: "some-model",
  whole: (answer, choose) => JSON.stringify(response(answer, choose, responseItems(answer, choose))),
  streamed(answer, choose) {
    const items = responseItems(answer, choose);
    const last = response(answer, choose, items);
    let sequence = 0;
    const event = (type: string, fields: object) =>
      named({ type, sequence_number: sequence++, ...fields } as { type: string });
    const begun = { ...last, status: "in_progress", output: [], usage: null, incomplete_details: null };
    const inner = (item: Record<string, unknown>, index: number): string => {
      const place = { item_id: item.id, output_index: index };
      if (item.type === "function_call") {
        const { name, arguments: given } = item;
        return (
          event("response.function_call_arguments.delta", { ...place, delta: given }) +
          event("response.function_call_arguments.done", { ...place, name, arguments: given })
        );
      }
      if (item.type === "reasoning") {
        const at = { ...place, summary_index: 0 };
        const part = { type: "summary_text", text: answer.thinking };
        return (
          event("response.reasoning_summary_part.added", { ...at, part: { ...part, text: "" } }) +
          event("response.reasoning_summary_text.delta", { ...at, delta: answer.thinking }) +
          event("response.reasoning_summary_text.done", { ...at, text: answer.thinking }) +
          event("response.reasoning_summary_part.done", { ...at, part })
        );
      }
      const at = { ...place, content_index: 0 };
      const [part] = item.content as { annotations: object[] }[];
      const logprobs = odd(choose, "logprobs", []);
      return (
        event("response.content_part.added", {
          ...at,
          part: { type: "output_text", text: "", annotations: [], logprobs: [] },
        }) +
        event("response.output_text.delta", { ...at, delta: answer.text, ...logprobs }) +
        (part?.annotations ?? [])
          .map((annotation, number) =>
            event("response.output_text.annotation.added", { ...at, annotation_index: number, annotation }),
          )
          .join("") +
        event("response.output_text.done", { ...at, text: answer.text, ...logprobs }) +
        event("response.content_part.done", { ...at, part })
      );
    };
    const emptied = { function_call: { arguments: "" }, reasoning: { summary: [] }, message: { content: [] } } as const;
    const pieces = items.map((item, index) => {
      const opened = { ...item, status: "in_progress", ...emptied[item.type as keyof typeof emptied] };
      return (
        event("response.output_item.added", { output_index: index, item: opened }) +
        inner(item, index) +
        event("response.output_item.done", { output_index: index, item })
      );
    });
    const start = event("response.created", { response: begun }) + event("response.in_progress", { response: begun });
    return start + pieces.join("") + event(`response.${String(last.status)}`, { response: last });
  },
};
