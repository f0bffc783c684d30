import fc from "fast-check";
import { eventFrame } from "../../services/simulator/formats/bedrock-frames.ts";

/*
 * Answers of upstreams as they may come: the same content in each wire format, whole and streamed, around it every spelling
 * of "nothing" that vendors use - a field that is absent, null, empty.
 */

/** What an answer says. */
export interface Given {
  readonly thinking: string;
  readonly text: string;
  /** Sources of the text; only upstreams that search have any. */
  readonly cites: boolean;
  readonly calls: readonly { readonly name: string; readonly input: Readonly<Record<string, unknown>> }[];
  readonly finish: "stop" | "length" | "filtered";
}

const words = fc.string({ minLength: 1, maxLength: 12, unit: "grapheme" });
const input = fc.dictionary(fc.constantFrom("city", "days", "note"), fc.oneof(words, fc.integer(), fc.boolean()), {
  maxKeys: 3,
});

/** Any answer. */
export const given: fc.Arbitrary<Given> = fc
  .record({
    thinking: fc.oneof(fc.constant(""), words),
    text: fc.oneof(fc.constant(""), words),
    cites: fc.boolean(),
    calls: fc.array(fc.record({ name: fc.constantFrom("weather", "search"), input }), { maxLength: 2 }),
    finish: fc.constantFrom<Given["finish"]>("stop", "length", "filtered"),
  })
  .filter(({ text, thinking, calls }) => text !== "" || thinking !== "" || calls.length > 0)
  .map((answer) => ({
    ...answer,
    cites: answer.cites && answer.text !== "",
    // An answer that was filtered or cut short calls nothing.
    finish: answer.calls.length > 0 ? "stop" : answer.finish,
  }));

/** A source of choices within a property. */
export type Choose = fc.GeneratorValue;

const absent = Symbol("absent");

/** A field that is absent, or has one of these values. */
function odd(choose: Choose, name: string, ...values: readonly unknown[]): Record<string, unknown> {
  const value: unknown = choose(fc.constantFrom, absent, ...values);
  return value === absent ? {} : { [name]: value };
}

/** An upstream's bytes. */
export interface Upstream {
  readonly adapter: string;
  readonly flavour: string;
  readonly model: string;
  whole(answer: Given, choose: Choose): string;
  streamed(answer: Given, choose: Choose): string | Uint8Array;
}

const data = (value: object): string => `data: ${JSON.stringify(value)}\n\n`;
const named = (event: { readonly type: string }): string => `event: ${event.type}\n${data(event)}`;
const url = "https://example.com/a";

// ---- OpenAI's chat

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

const chat: Upstream = {
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

// ---- Anthropic's messages

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

const messages: Upstream = {
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

// ---- Gemini

const geminiFinish = { stop: "STOP", length: "MAX_TOKENS", filtered: "SAFETY" } as const;

function geminiChunks(answer: Given, choose: Choose): object[] {
  const { text, thinking, calls, cites, finish } = answer;
  const head = () => ({ ...odd(choose, "modelVersion", "gemini-up", ""), ...odd(choose, "responseId", "r1", null) });
  const counts = { promptTokenCount: 9, candidatesTokenCount: 4, totalTokenCount: 13 };
  const usage = () => odd(choose, "usageMetadata", { ...counts, ...odd(choose, "thoughtsTokenCount", 2, null) }, null);
  const parts = [
    ...(thinking === "" ? [] : [{ text: thinking, thought: true }]),
    ...(text === "" ? [] : [{ text }]),
    ...calls.map(({ name, input: given }) => ({ functionCall: { name, args: given } })),
  ];
  const grounding = { groundingChunks: [{ web: { uri: url, title: "A" } }] };
  const candidates = parts.map((part) => ({
    index: 0,
    content: { role: "model", parts: [part] },
    ...odd(choose, "finishReason", null),
  }));
  const end = {
    index: 0,
    ...odd(choose, "content", null, {}, { parts: [] }, { role: "model", parts: [{ text: "" }] }),
    finishReason: geminiFinish[finish],
    ...odd(choose, "safetyRatings", null, []),
    ...(cites ? { groundingMetadata: grounding } : odd(choose, "groundingMetadata", null, {})),
  };
  return [...candidates, end].map((candidate) => ({ candidates: [candidate], ...usage(), ...head() }));
}

const gemini: Upstream = {
  adapter: "gemini",
  flavour: "",
  model: "gemini-2.5-flash",
  whole(answer, choose) {
    const chunks = geminiChunks(answer, choose) as { candidates: { content?: { parts?: object[] } | null }[] }[];
    const parts = chunks.flatMap(({ candidates: [candidate] }) => candidate?.content?.parts ?? []);
    const last = chunks.at(-1);
    return JSON.stringify({ ...last, candidates: [{ ...last?.candidates[0], content: { role: "model", parts } }] });
  },
  streamed: (answer, choose) => geminiChunks(answer, choose).map(data).join(""),
};

// ---- Bedrock's Converse

const converseFinish = { stop: "end_turn", length: "max_tokens", filtered: "content_filtered" } as const;

function converseEnd(answer: Given, choose: Choose): { readonly stopReason: string; readonly said: object } {
  const counts = { inputTokens: 9, outputTokens: 4, totalTokens: 13 };
  const usage = {
    ...counts,
    ...odd(choose, "cacheReadInputTokens", null, 0, 3),
    ...odd(choose, "cacheWriteInputTokens", null, 0, 2),
    ...odd(choose, "cacheDetails", null, [], [{ ttl: "5m", inputTokens: 2 }]),
  };
  return {
    stopReason: answer.calls.length > 0 ? "tool_use" : converseFinish[answer.finish],
    said: {
      ...odd(choose, "usage", usage, usage, null),
      ...odd(choose, "metrics", { latencyMs: 3 }, null),
      ...odd(choose, "serviceTier", null, { type: "default" }),
      ...odd(choose, "trace", null, {}),
    },
  };
}

const webCitation = { title: "A", source: "web", location: { web: { url, domain: "example.com" } } };

const converse: Upstream = {
  adapter: "bedrock",
  flavour: '{"region":"us-east-1"}',
  model: "us.anthropic.claude-sonnet-4-5-20250929-v1:0",
  whole(answer, choose) {
    const { text, thinking, calls, cites } = answer;
    const { stopReason, said } = converseEnd(answer, choose);
    const signature = odd(choose, "signature", null, "c2ln");
    const content = [
      ...(thinking === "" ? [] : [{ reasoningContent: { reasoningText: { text: thinking, ...signature } } }]),
      ...(text === ""
        ? []
        : [cites ? { citationsContent: { content: [{ text }], citations: [webCitation] } } : { text }]),
      ...calls.map(({ name, input: given }, index) => ({ toolUse: { toolUseId: `t_${index}`, name, input: given } })),
    ];
    const additional = odd(choose, "additionalModelResponseFields", null, {});
    return JSON.stringify({ output: { message: { role: "assistant", content } }, stopReason, ...said, ...additional });
  },
  streamed(answer, choose) {
    const { text, thinking, calls, cites } = answer;
    const frames = [eventFrame("messageStart", { role: "assistant" })];
    let contentBlockIndex = 0;
    const block = (start: object | undefined, ...deltas: readonly object[]) => {
      if (start !== undefined) frames.push(eventFrame("contentBlockStart", { contentBlockIndex, start }));
      for (const delta of deltas) frames.push(eventFrame("contentBlockDelta", { contentBlockIndex, delta }));
      frames.push(eventFrame("contentBlockStop", { contentBlockIndex }));
      contentBlockIndex++;
    };
    if (thinking !== "") {
      block(
        undefined,
        { reasoningContent: { text: thinking } },
        { reasoningContent: odd(choose, "signature", "", "c2ln") },
      );
    }
    if (text !== "") block(undefined, ...(cites ? [{ citation: webCitation }] : []), { text });
    for (const [index, { name, input: given }] of calls.entries()) {
      block({ toolUse: { toolUseId: `t_${index}`, name } }, { toolUse: { input: JSON.stringify(given) } });
    }
    const { stopReason, said } = converseEnd(answer, choose);
    const additional = odd(choose, "additionalModelResponseFields", null, {});
    frames.push(eventFrame("messageStop", { stopReason, ...additional }), eventFrame("metadata", { ...said }));
    return Buffer.concat(frames);
  },
};

// ---- OpenAI's responses

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

const responses: Upstream = {
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

/** Every wire format of upstreams. */
export const upstreams = { chat, messages, gemini, converse, responses } as const satisfies Readonly<
  Record<string, Upstream>
>;
