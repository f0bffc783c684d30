import { expect, test } from "vitest";
import { adapters } from "../registry.ts";
import { anthropic, exchange, sent } from "./testing-flavour.ts";

/* What each vendor takes, by name. */

test("OpenRouter: no other models than the one that was priced", () => {
  const { body, notes } = sent({ vendor: "openrouter" }, { models: ["openai/o1-pro"], route: "fallback" });
  expect(body).toEqual({ messages: [{ role: "user", content: "x" }], model: "some-model" });
  expect(notes).toHaveLength(2);
});

test("Azure: the deployment in the path, the key in its own header", () => {
  const { path } = sent({ vendor: "azure" }, {}, { upstreamModel: "my gpt" });
  expect(path).toBe("/openai/deployments/my%20gpt/chat/completions?api-version=2024-10-21");
  const opened = adapters.openai?.open('{"vendor":"azure"}');
  const target = { method: "POST", origin: "https://a", path };
  expect(opened?.sign("k", { path, headers: {}, body: new Uint8Array() }, target)).toEqual({ "api-key": "k" });
  expect(opened?.requestIdHeaders?.[0]).toBe("apim-request-id");
});

test("Azure: clients of responses and completions are served at paths that it has", () => {
  const model = { upstreamModel: "gpt-3.5-turbo-instruct" };
  const query = "?api-version=2024-10-21";
  expect(sent({ vendor: "azure" }, { input: "x" }, {}, "openai.responses").path).toBe(
    `/openai/deployments/some-model/chat/completions${query}`,
  );
  expect(sent({ vendor: "azure" }, { prompt: "x" }, model, "openai.completions").path).toBe(
    `/openai/deployments/gpt-3.5-turbo-instruct/completions${query}`,
  );
  const newer = { vendor: "azure", path: "/openai/v1/chat/completions", responses: true };
  expect(sent(newer, { input: "x" }, {}, "openai.responses").path).toBe("/openai/v1/responses");
});

test("OpenAI: reasoning models take max_completion_tokens and developer, the others no effort", () => {
  const o3 = sent({ vendor: "openai" }, { max_tokens: 5, system: "s" }, { upstreamModel: "o3" }, anthropic);
  expect(o3.body).toMatchObject({ max_completion_tokens: 5 });
  expect(o3.body.messages).toMatchObject([{ role: "developer", content: "s" }, { role: "user" }]);
  expect(sent({ vendor: "openai" }, { max_tokens: 5 }, { upstreamModel: "gpt-5-mini" }).body).toMatchObject({
    max_completion_tokens: 5,
  });
  const thinking = { thinking: { type: "enabled", budget_tokens: 9000 }, max_tokens: 5 };
  expect(sent({ vendor: "openai" }, thinking, { upstreamModel: "gpt-5" }, anthropic).body.reasoning_effort).toBe(
    "high",
  );
  const plain = sent({ vendor: "openai" }, thinking, { upstreamModel: "gpt-4o" }, anthropic);
  expect(plain.body.reasoning_effort).toBeUndefined();
  expect(plain.notes).toContain("thinking dropped: this model does not think");
  expect(sent({ vendor: "openai" }, {}, { upstreamModel: "gpt-5.1", control: "none" }).body.reasoning_effort).toBe(
    "none",
  );
});

test.each(["o3", "o4-mini-2025-04-16", "gpt-5", "gpt-5-mini"])(
  "OpenAI: %s gets no sampling and no effort that it refuses",
  (upstreamModel) => {
    const body = { max_tokens: 5000, temperature: 0.3, top_p: 0.9 };
    const thinking = { thinking: { type: "adaptive" }, output_config: { effort: "max" } };
    const messages = sent({ vendor: "openai" }, { ...body, ...thinking }, { upstreamModel }, anthropic);
    expect(messages.body).not.toHaveProperty("temperature");
    expect(messages.body).not.toHaveProperty("top_p");
    expect(messages.body.reasoning_effort).toBe("high");
    expect(messages.notes).toContain("temperature dropped: the vendor does not take it");
    const chat = sent({ vendor: "openai" }, { ...body, presence_penalty: 1 }, { upstreamModel });
    expect(Object.keys(chat.body).sort()).toEqual(["max_completion_tokens", "messages", "model"]);
  },
);

test.each(["gpt-4o", "gpt-5.1", "gpt-5-chat-latest"])(
  "OpenAI: %s is asked for sampling as the client does",
  (upstreamModel) => {
    expect(sent({ vendor: "openai" }, { temperature: 0.3 }, { upstreamModel }).body.temperature).toBe(0.3);
  },
);

test("DeepSeek: thinking is a switch, tool turns carry reasoning_content even if empty", () => {
  const turns = [
    { role: "user", content: "x" },
    {
      role: "assistant",
      content: null,
      tool_calls: [{ id: "a", type: "function", function: { name: "f", arguments: "{}" } }],
    },
    { role: "tool", tool_call_id: "a", content: "1" },
  ];
  const { body, notes } = sent(
    { vendor: "deepseek" },
    { enable_thinking: true, messages: turns, seed: 1, max_completion_tokens: 7 },
    { stream: true },
  );
  expect(body.thinking).toEqual({ type: "enabled" });
  expect(body.enable_thinking).toBeUndefined();
  expect(body.max_tokens).toBe(7);
  expect(body.messages).toMatchObject([{}, { reasoning_content: "" }, {}]);
  expect(notes).toEqual(["seed dropped: the vendor does not take it"]);
  expect(sent({ vendor: "deepseek" }, {}, { control: "medium" }).body).toMatchObject({
    thinking: { type: "enabled" },
    reasoning_effort: "high",
  });
});

test("DashScope: no thinking outside streams, and models that think by themselves are told not to", () => {
  const whole = sent({ vendor: "dashscope" }, { enable_thinking: true }, { upstreamModel: "qwen-plus" });
  expect(whole.body.enable_thinking).toBe(false);
  expect(whole.notes).toEqual(["thinking dropped: this vendor thinks in streams only"]);
  const streamed = sent(
    { vendor: "dashscope" },
    { enable_thinking: true },
    { upstreamModel: "qwen-plus", stream: true },
  );
  expect(streamed.body.enable_thinking).toBe(true);
  expect(sent({ vendor: "dashscope" }, {}, { upstreamModel: "qwen3-32b" }).body.enable_thinking).toBe(false);
  expect(sent({ vendor: "dashscope" }, {}, { upstreamModel: "qwen-plus" }).body).not.toHaveProperty("enable_thinking");
  const budget = { thinking: { type: "enabled", budget_tokens: 3000 }, max_tokens: 9, stream: true };
  expect(sent({ vendor: "dashscope" }, budget, { stream: true }, anthropic).body).toMatchObject({
    enable_thinking: true,
    thinking_budget: 3000,
  });
  const mt = { messages: [{ role: "user", content: "译" }] };
  expect(sent({ vendor: "dashscope" }, mt, { upstreamModel: "qwen-mt-turbo" }).body).toEqual({
    ...mt,
    model: "qwen-mt-turbo",
  });
});

test.each([
  ["kimi-k2.5", { thinking: { type: "disabled" } }],
  ["kimi-k2.7", {}],
  ["kimi-k3", {}],
])("Moonshot: %s is told not to think as far as it can be", (upstreamModel, said) => {
  const off = { thinking: { type: "disabled" }, max_tokens: 9 };
  const { body } = sent({ vendor: "moonshot" }, off, { upstreamModel }, anthropic);
  expect(body).toEqual({ model: upstreamModel, messages: [{ role: "user", content: "x" }], max_tokens: 9, ...said });
});

test("search: OpenAI's options, or the vendor's own switch", () => {
  expect(sent({ vendor: "openai" }, {}, { control: "search" }).body.web_search_options).toEqual({
    search_context_size: "medium",
  });
  const given = { web_search_options: { user_location: { type: "approximate", approximate: { city: "Oslo" } } } };
  expect(sent({}, given).body.web_search_options).toEqual({
    ...given.web_search_options,
    search_context_size: "medium",
  });
  for (const body of [
    sent({ vendor: "dashscope" }, given).body,
    sent({ vendor: "dashscope" }, {}, { control: "search" }).body,
  ]) {
    expect(body.enable_search).toBe(true);
    expect(body).not.toHaveProperty("web_search_options");
  }
  const tool = { type: "web_search_20250305", name: "web_search" };
  expect(sent({ vendor: "dashscope" }, { max_tokens: 5, tools: [tool] }, {}, anthropic).body.enable_search).toBe(true);
  expect(() =>
    sent({}, { max_tokens: 5, tools: [{ ...tool, allowed_domains: ["a.example"] }] }, {}, anthropic),
  ).toThrow(expect.objectContaining({ code: "invalid_value", param: "tools" }));
});

test("OpenRouter: effort and budget stand in one object, never both", () => {
  expect(sent({ vendor: "openrouter" }, {}, { control: "high" }).body.reasoning).toEqual({ effort: "high" });
  expect(sent({ vendor: "openrouter" }, {}, { control: "thinking" }).body.reasoning).toEqual({ enabled: true });
  const budget = { thinking: { type: "enabled", budget_tokens: 3000 }, max_tokens: 9 };
  expect(sent({ vendor: "openrouter" }, budget, {}, anthropic).body.reasoning).toEqual({ max_tokens: 3000 });
});

test("Mistral: its own names and words, and nothing that it does not know", () => {
  const { body } = sent(
    { vendor: "mistral" },
    { seed: 3, tool_choice: "required", user: "u", tools: [], stream_options: { include_usage: true } },
    { stream: true },
  );
  expect(body).toMatchObject({ random_seed: 3, tool_choice: "any" });
  for (const field of ["seed", "user", "stream_options"]) expect(body).not.toHaveProperty(field);
});

test("Mistral: an answer of ours that is sent back holds nothing that it does not know", () => {
  const moments = { sentUs: 0, firstByteUs: 0, firstContentUs: 0, lastByteUs: 0, nowUs: 0 };
  const upstream = { choices: [{ message: { role: "assistant", content: "y" }, finish_reason: "stop" }] };
  const { body } = exchange({ vendor: "mistral" }, {}).whole(Buffer.from(JSON.stringify(upstream)), moments);
  const { message } = JSON.parse(Buffer.from(body).toString()).choices[0];
  expect(message).toMatchObject({ refusal: null, annotations: [] });
  const messages = [{ role: "user", content: "x" }, message, { role: "user", content: "z" }];
  expect(sent({ vendor: "mistral" }, { messages }).body.messages).toEqual([
    messages[0],
    { role: "assistant", content: "y" },
    messages[2],
  ]);
  expect(sent({ vendor: "openai" }, { messages }).body.messages).toEqual(messages);
});
