import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { ErrorEnvelope } from "../../shared/errors/envelope.ts";
import { startTestGateway, type TestGateway } from "../testing.ts";

const user = [{ role: "user", content: "Hi" }];
const extra = (fields: object) => ({ messages: user, extra_body: fields });
const paths = {
  chat: "/v1/chat/completions",
  messages: "/v1/messages",
  count: "/v1/messages/count_tokens",
  responses: "/v1/responses",
  completions: "/v1/completions",
};

describe("a body that is not valid", () => {
  let gateway: TestGateway;
  beforeAll(async () => {
    gateway = await startTestGateway();
  });
  afterAll(() => gateway[Symbol.asyncDispose]());

  const refused: readonly [keyof typeof paths, string, object, string, string][] = [
    [
      "chat",
      "no content",
      { messages: [...user, ...user, { role: "user" }] },
      "missing_required_field",
      "messages[2].content",
    ],
    [
      "chat",
      "part without url",
      { messages: [{ role: "user", content: [{ type: "image_url", image_url: {} }] }] },
      "missing_required_field",
      "messages[0].content[0].image_url.url",
    ],
    ["chat", "unknown role", { messages: [{ role: "robot", content: "" }] }, "invalid_value", "messages[0].role"],
    [
      "chat",
      "unknown part",
      { messages: [{ role: "user", content: [{ type: "smell" }] }] },
      "invalid_value",
      "messages[0].content[0].type",
    ],
    [
      "chat",
      "content of a wrong type",
      { messages: [{ role: "user", content: 5 }] },
      "invalid_value",
      "messages[0].content",
    ],
    [
      "chat",
      "tool without its call",
      { messages: [{ role: "tool", content: "x" }] },
      "missing_required_field",
      "messages[0].tool_call_id",
    ],
    ["chat", "no messages", { messages: [] }, "invalid_value", "messages"],
    ["chat", "hot", { messages: user, temperature: 2.1 }, "invalid_value", "temperature"],
    ["chat", "another model in extra_body", extra({ model: "gpt-5" }), "invalid_value", "extra_body.model"],
    ["chat", "more answers in extra_body", extra({ n: 9 }), "invalid_value", "extra_body.n"],
    ["chat", "a stream in extra_body", extra({ stream: true }), "invalid_value", "extra_body.stream"],
    ["chat", "half a character in the model", { messages: user, model: "m\ud83d" }, "invalid_value", "model"],
    ["responses", "a line break in the model", { input: "x", model: "m\n" }, "invalid_value", "model"],
    ["chat", "a maximum that no price can count", { messages: user, max_tokens: 1e15 }, "invalid_value", "max_tokens"],
    ["messages", "a maximum beyond numbers", { messages: user, max_tokens: 1e300 }, "invalid_value", "max_tokens"],
    ["chat", "five stops", { messages: user, stop: ["a", "b", "c", "d", "e"] }, "invalid_value", "stop"],
    ["chat", "bias", { messages: user, logit_bias: { "5": 101 } }, "invalid_value", "logit_bias[5]"],
    ["chat", "no answers", { messages: user, n: 0 }, "invalid_value", "n"],
    ["chat", "negative maximum", { messages: user, max_tokens: -1 }, "invalid_value", "max_tokens"],
    [
      "chat",
      "nameless tool",
      { messages: user, tools: [{ type: "function", function: {} }] },
      "missing_required_field",
      "tools[0].function.name",
    ],
    ["chat", "format", { messages: user, response_format: { type: "xml" } }, "invalid_value", "response_format.type"],
    ["messages", "no maximum", { messages: user }, "missing_required_field", "max_tokens"],
    ["messages", "maximum as text", { messages: user, max_tokens: "5" }, "invalid_value", "max_tokens"],
    [
      "messages",
      "unknown role",
      { max_tokens: 5, messages: [{ role: "tool", content: "" }] },
      "invalid_value",
      "messages[0].role",
    ],
    [
      "messages",
      "block without text",
      { max_tokens: 5, messages: [{ role: "user", content: [{ type: "text" }] }] },
      "missing_required_field",
      "messages[0].content[0].text",
    ],
    [
      "messages",
      "block without type",
      { max_tokens: 5, messages: [{ role: "user", content: [{ text: "a" }] }] },
      "missing_required_field",
      "messages[0].content[0].type",
    ],
    [
      "messages",
      "image without data",
      {
        max_tokens: 5,
        messages: [{ role: "user", content: [{ type: "image", source: { type: "base64", media_type: "image/png" } }] }],
      },
      "missing_required_field",
      "messages[0].content[0].source.data",
    ],
    [
      "messages",
      "result without its call",
      { max_tokens: 5, messages: [{ role: "user", content: [{ type: "tool_result", content: "4" }] }] },
      "missing_required_field",
      "messages[0].content[0].tool_use_id",
    ],
    [
      "messages",
      "tool without schema",
      { max_tokens: 5, messages: user, tools: [{ name: "f" }] },
      "missing_required_field",
      "tools[0].input_schema",
    ],
    [
      "messages",
      "small budget",
      { max_tokens: 5, messages: user, thinking: { type: "enabled", budget_tokens: 5 } },
      "invalid_value",
      "thinking.budget_tokens",
    ],
    [
      "messages",
      "budget over the maximum",
      { max_tokens: 1024, messages: user, thinking: { type: "enabled", budget_tokens: 1024 } },
      "invalid_value",
      "thinking.budget_tokens",
    ],
    ["messages", "hot", { max_tokens: 5, messages: user, temperature: 1.5 }, "invalid_value", "temperature"],
    [
      "messages",
      "system block",
      { max_tokens: 5, messages: user, system: [{ type: "text" }] },
      "missing_required_field",
      "system[0].text",
    ],
    ["count", "no messages", {}, "missing_required_field", "messages"],
    ["responses", "nothing to answer", {}, "missing_required_field", "input"],
    ["responses", "in the background", { input: "a", background: true }, "invalid_value", "background"],
    ["responses", "message without role", { input: [{ content: "a" }] }, "missing_required_field", "input[0].role"],
    [
      "responses",
      "nested tool",
      { input: "a", tools: [{ type: "function", function: { name: "f" } }] },
      "missing_required_field",
      "tools[0].name",
    ],
    [
      "responses",
      "result without its call",
      { input: [{ type: "function_call_output", output: "4" }] },
      "missing_required_field",
      "input[0].call_id",
    ],
    [
      "responses",
      "image of nothing",
      { input: [{ role: "user", content: [{ type: "input_image" }] }] },
      "missing_required_field",
      "input[0].content[0].image_url",
    ],
    [
      "responses",
      "nameless format",
      { input: "a", text: { format: { type: "json_schema", schema: {} } } },
      "missing_required_field",
      "text.format.name",
    ],
    ["responses", "hot", { input: "a", temperature: 3 }, "invalid_value", "temperature"],
    ["completions", "no prompt", {}, "missing_required_field", "prompt"],
    ["completions", "prompt of a wrong type", { prompt: 5 }, "invalid_value", "prompt"],
    ["completions", "best of fewer", { prompt: "a", n: 2, best_of: 1 }, "invalid_value", "best_of"],
    ["completions", "many logprobs", { prompt: "a", logprobs: 6 }, "invalid_value", "logprobs"],
    ["completions", "stray options", { prompt: "a", stream_options: {} }, "invalid_value", "stream_options"],
  ];
  it.each(refused)("%s refuses %s", async (dialect, _what, body, code, param) => {
    const response = await gateway.call(paths[dialect], { model: "m", ...body });
    expect([response.status, ((await response.json()) as ErrorEnvelope).error]).toMatchObject([400, { code, param }]);
  });

  it("a model is required everywhere", async () => {
    for (const path of Object.values(paths)) {
      const response = await gateway.call(path, { messages: user, input: "a", prompt: "a", max_tokens: 5 });
      const { error } = (await response.json()) as ErrorEnvelope;
      expect([path, error.code, error.param]).toEqual([path, "missing_required_field", "model"]);
    }
  });
});
