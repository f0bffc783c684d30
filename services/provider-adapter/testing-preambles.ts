/** How an upstream format begins, goes on, breaks and ends, as its vendors write it. */
export interface UpstreamScript {
  readonly adapter: string;
  readonly flavour: object;
  /** Client dialects that are answered by way of this format. */
  readonly dialects: readonly string[];
  /** Frames before any content, one read each. */
  readonly preamble: readonly string[];
  /** One piece of content by its kind. */
  readonly content: Readonly<Record<string, string>>;
  readonly error: string;
  /** A proper end of an answer, whatever came before. */
  readonly end: string;
}

const data = (value: object) => `data: ${JSON.stringify(value)}\n\n`;
const named = (type: string, rest: object) => `event: ${type}\n${data({ type, ...rest })}`;

const chunk = (delta: object, finish: string | null = null) =>
  data({
    id: "vendor-1",
    object: "chat.completion.chunk",
    created: 1,
    model: "m",
    choices: [{ index: 0, delta, logprobs: null, finish_reason: finish }],
  });
const completion = (text: string, finish: string | null = null) =>
  data({
    id: "vendor-1",
    object: "text_completion",
    created: 1,
    model: "m",
    choices: [{ index: 0, text, finish_reason: finish }],
  });
const candidate = (parts: readonly object[], more: object = {}) =>
  data({ candidates: [{ index: 0, content: { role: "model", parts }, ...more }], modelVersion: "m", responseId: "r1" });
const response = (status: string) => ({
  response: { id: "resp_vendor", object: "response", status, model: "m", output: [] },
});
const block = (given: object) => named("content_block_start", { index: 0, content_block: given });
const piece = (given: object) => named("content_block_delta", { index: 0, delta: given });

/** Every upstream format. Two of OpenAI's are only ever passed through. */
export const upstreamScripts: Readonly<Record<string, UpstreamScript>> = {
  chat: {
    adapter: "openai",
    flavour: {},
    dialects: ["openai.chat", "anthropic.messages", "openai.responses", "openai.completions"],
    preamble: [
      data({
        id: "",
        object: "chat.completion.chunk",
        created: 1,
        model: "",
        choices: [],
        prompt_filter_results: [
          { prompt_index: 0, content_filter_results: { hate: { filtered: false, severity: "safe" } } },
        ],
      }),
      chunk({
        role: "assistant",
        content: "",
        refusal: null,
        name: "Vendor AI",
        reasoning_content: null,
        tool_calls: [],
      }),
      chunk({}),
      chunk({ content: null }),
    ],
    content: {
      text: chunk({ content: "Hello" }),
      reasoning: chunk({ reasoning_content: "Hello" }),
      refusal: chunk({ refusal: "Hello" }),
      "tool name": chunk({
        tool_calls: [{ index: 0, id: "c1", type: "function", function: { name: "Hello", arguments: "" } }],
      }),
    },
    error: data({ error: { message: "overloaded", code: 503 } }),
    end: `${chunk({}, "stop")}data: [DONE]\n\n`,
  },
  messages: {
    adapter: "anthropic",
    flavour: {},
    dialects: ["openai.chat", "anthropic.messages", "openai.responses", "openai.completions"],
    preamble: [
      named("message_start", {
        message: {
          id: "msg_vendor",
          type: "message",
          role: "assistant",
          model: "m",
          content: [],
          stop_reason: null,
          usage: { input_tokens: 7, output_tokens: 1 },
        },
      }),
      block({ type: "text", text: "", citations: null }),
      named("ping", {}),
      piece({ type: "text_delta", text: "" }),
    ],
    content: {
      text: piece({ type: "text_delta", text: "Hello" }),
      reasoning:
        block({ type: "thinking", thinking: "", signature: "" }) + piece({ type: "thinking_delta", thinking: "Hello" }),
      "tool name": block({ type: "tool_use", id: "toolu_1", name: "Hello", input: {} }),
    },
    error: named("error", { error: { type: "overloaded_error", message: "Overloaded" } }),
    end:
      named("content_block_stop", { index: 0 }) +
      named("message_delta", { delta: { stop_reason: "end_turn", stop_sequence: null }, usage: { output_tokens: 1 } }) +
      named("message_stop", {}),
  },
  gemini: {
    adapter: "gemini",
    flavour: {},
    dialects: ["openai.chat", "anthropic.messages", "openai.responses", "openai.completions"],
    preamble: [
      data({ usageMetadata: { promptTokenCount: 7 }, modelVersion: "m", responseId: "r1" }),
      candidate([]),
      candidate([{ text: "" }]),
    ],
    content: {
      text: candidate([{ text: "Hello" }]),
      reasoning: candidate([{ text: "Hello", thought: true }]),
      "tool name": candidate([{ functionCall: { name: "Hello", args: {} } }]),
    },
    error: data({ error: { code: 503, message: "The model is overloaded.", status: "UNAVAILABLE" } }),
    end: candidate([{ text: "" }], { finishReason: "STOP" }),
  },
  responses: {
    adapter: "openai",
    flavour: { responses: true },
    dialects: ["openai.responses"],
    preamble: [
      named("response.created", response("in_progress")),
      named("response.in_progress", response("in_progress")),
      named("response.output_item.added", {
        output_index: 0,
        item: { id: "rs_1", type: "reasoning", summary: [], encrypted_content: "gAAA" },
      }),
      named("response.output_item.added", {
        output_index: 1,
        item: { id: "msg_1", type: "message", status: "in_progress", role: "assistant", content: [] },
      }),
      named("response.content_part.added", {
        item_id: "msg_1",
        output_index: 1,
        content_index: 0,
        part: { type: "output_text", text: "", annotations: [], logprobs: [] },
      }),
    ],
    content: {
      text: named("response.output_text.delta", {
        item_id: "msg_1",
        output_index: 1,
        content_index: 0,
        delta: "Hello",
      }),
      reasoning: named("response.reasoning_summary_text.delta", {
        item_id: "rs_1",
        output_index: 0,
        summary_index: 0,
        delta: "Hello",
      }),
      refusal: named("response.refusal.delta", { item_id: "msg_1", output_index: 1, content_index: 0, delta: "Hello" }),
      "tool name": named("response.output_item.added", {
        output_index: 1,
        item: { id: "fc_1", type: "function_call", call_id: "c1", name: "Hello", arguments: "" },
      }),
      image: named("response.image_generation_call.partial_image", {
        item_id: "ig_1",
        output_index: 1,
        partial_image_index: 0,
        partial_image_b64: "Hello",
      }),
    },
    error: named("error", { error: { type: "server_error", message: "overloaded" } }),
    end: named("response.completed", response("completed")),
  },
  completions: {
    adapter: "openai",
    flavour: { completions: true },
    dialects: ["openai.completions"],
    preamble: [completion(""), completion("")],
    content: { text: completion("Hello") },
    error: data({ error: { message: "overloaded", code: 503 } }),
    end: `${completion("", "stop")}data: [DONE]\n\n`,
  },
};
