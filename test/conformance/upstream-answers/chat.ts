import fc from "fast-check";
import { type Choose, data, type Given, odd, type Upstream, url } from "./given.ts";

const chatFinish = { stop: "stop", length: "length", filtered: "content_filter" } as const;

function chatUsage(choose: Choose): Record<string, unknown> {
  const details = odd(choose, "prompt_tokens_details", null, {}, { cached_tokens: null }, { cached_tokens: 3 });
  const more = odd(choose, "completion_tokens_details", null, {}, { reasoning_tokens: 0 });
  const usage = { prompt_tokens: 9, completion_tokens: 4, total_tokens: 13, ...details, ...more };
  return odd(choose, "usage", usage, usage, null);
}

function chatHead(choose: Choose, object: string): Record<string, unknown> {
  const fields = [odd(choose, "system_fingerprint", null, "", "fp"), odd(choose, "service_tier", null, "default")];
  return Object.assign({ id: "up-1", object, created: 1_790_000_000, model: "up" }, ...fields);
}

function chatNothings(choose: Choose): Record<string, unknown> {
  const fields = [
    odd(choose, "refusal", null),
    odd(choose, "annotations", null, []),
    odd(choose, "audio", null),
    odd(choose, "function_call", null),
    odd(choose, "reasoning", null),
    odd(choose, "reasoning_details", null, []),
  ];
  return Object.assign({}, ...fields);
}

const chatCitation = { type: "url_citation", url_citation: { url, title: "A", start_index: 0, end_index: 1 } };

function chatCalls({ calls }: Given, streamed: boolean): object[] {
  return calls.map(({ name, input: given }, index) => ({
    ...(streamed ? { index } : {}),
    id: `call_${index}`,
    type: "function",
    function: { name, arguments: JSON.stringify(given) },
  }));
}

const chatLogprobs = (choose: Choose) =>
  odd(choose, "logprobs", null, { content: null }, { content: [], refusal: null });

/** OpenAI's chat. */
export const chat: Upstream = {
  adapter: "openai",
  flavour: '{"vendor":"openrouter"}',
  model: "some-model",
  whole(answer, choose) {
    const { text, thinking, calls, cites, finish } = answer;
    const message = {
      role: "assistant",
      ...chatNothings(choose),
      content: text === "" ? choose(fc.constantFrom, null, "") : text,
      ...(thinking === "" ? odd(choose, "reasoning_content", null, "") : { reasoning_content: thinking }),
      ...(cites ? { annotations: [chatCitation] } : {}),
      ...(calls.length === 0 ? odd(choose, "tool_calls", null, []) : { tool_calls: chatCalls(answer, false) }),
    };
    const reason = calls.length > 0 ? "tool_calls" : chatFinish[finish];
    const choices = [{ index: 0, message, ...chatLogprobs(choose), finish_reason: reason }];
    return JSON.stringify({ ...chatHead(choose, "chat.completion"), choices, ...chatUsage(choose) });
  },
  streamed(answer, choose) {
    const { text, thinking, calls, cites, finish } = answer;
    const head = chatHead(choose, "chat.completion.chunk");
    const chunk = (delta: object, reason: unknown = null) =>
      data({
        ...head,
        choices: [{ ...odd(choose, "index", 0, 0), delta, ...chatLogprobs(choose), finish_reason: reason }],
        ...odd(choose, "usage", null),
      });
    const nothing = () => ({
      ...chatNothings(choose),
      ...odd(choose, "role", "assistant", null, ""),
      ...odd(choose, "tool_calls", null, []),
    });
    const pieces = [chunk({ ...nothing(), role: "assistant", ...odd(choose, "content", "", null) })];
    if (thinking !== "") pieces.push(chunk({ ...nothing(), content: null, reasoning_content: thinking }));
    if (text !== "") pieces.push(chunk({ ...nothing(), content: text, ...odd(choose, "reasoning_content", null, "") }));
    if (cites) pieces.push(chunk({ annotations: [chatCitation] }));
    for (const call of chatCalls(answer, true))
      pieces.push(chunk({ ...odd(choose, "content", null, ""), tool_calls: [call] }));
    pieces.push(chunk({ ...odd(choose, "content", null, "") }, calls.length > 0 ? "tool_calls" : chatFinish[finish]));
    const { usage } = chatUsage(choose);
    if (usage) pieces.push(data({ ...head, choices: [], usage }));
    return `${pieces.join("")}data: [DONE]\n\n`;
  },
};
