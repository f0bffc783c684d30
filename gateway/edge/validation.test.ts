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
    ["chat", "a model with a long name", { model: "m".repeat(513), messages: user }, "invalid_value", "model"],
    ["responses", "a model with a long name", { model: "m".repeat(513), input: "a" }, "invalid_value", "model"],
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
    [
      "responses",
      "in the background, streamed",
      { input: "a", background: true, stream: true },
      "invalid_value",
      "stream",
    ],
    [
      "responses",
      "in the background, not stored",
      { input: "a", background: true, store: false },
      "invalid_value",
      "store",
    ],
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

  /** Fields that price, limits, route or the answer's form go by, with a value that a client would hide behind another. */
  const deciding: Readonly<Record<keyof typeof paths, readonly string[]>> = {
    chat: [
      ...['"model":"x"', '"n":128', '"max_tokens":4000', '"max_completion_tokens":4000', '"stream":true', '"tools":[]'],
      ...[
        '"service_tier":"priority"',
        '"messages":[]',
        '"reasoning_effort":"high"',
        '"extra_body":{}',
        '"functions":[]',
      ],
    ],
    messages: [
      ...['"model":"x"', '"max_tokens":4000', '"stream":true', '"tools":[]', '"service_tier":"auto"', '"speed":"fast"'],
      ...['"thinking":{"type":"adaptive"}', '"messages":[]', '"system":""', '"inference_geo":"eu"'],
    ],
    count: ['"model":"x"', '"messages":[]', '"tools":[]'],
    responses: [
      ...['"model":"x"', '"max_output_tokens":4000', '"stream":true', '"tools":[]', '"service_tier":"priority"'],
      ...['"reasoning":{"effort":"high"}', '"input":"x"', '"background":true', '"store":true'],
    ],
    completions: [
      ...['"model":"x"', '"n":128', '"best_of":20', '"max_tokens":4000', '"stream":true', '"prompt":"x"'],
      ...['"service_tier":"priority"', '"logprobs":5'],
    ],
  };
  const prompts = { messages: user, max_tokens: 5 };
  const whole: Readonly<Record<keyof typeof paths, object>> = {
    ...{ chat: prompts, messages: prompts, count: prompts },
    ...{ responses: { input: "a" }, completions: { prompt: "a" } },
  };
  const fieldsOf = (dialect: keyof typeof paths) => deciding[dialect].map((field) => [dialect, field] as const);

  it.each((Object.keys(paths) as (keyof typeof paths)[]).flatMap(fieldsOf))(
    "%s refuses a second %s, wherever it stands and however it is spelt",
    async (dialect, field) => {
      const [, name = "", value = ""] = /^"(\w+)":(.*)$/.exec(field) ?? [];
      const { [name]: _, ...others } = { ...whole[dialect], model: "m" } as Record<string, unknown>;
      const rest = JSON.stringify(others).slice(1, -1);
      const escaped = `"\\u${name.charCodeAt(0).toString(16).padStart(4, "0")}${name.slice(1)}":${value}`;
      for (const body of [
        `{${field},${rest},${field}}`,
        `{${rest},${escaped},${field}}`,
        `{${field},${escaped},${rest}}`,
      ]) {
        const response = await gateway.call(paths[dialect], body);
        expect([response.status, ((await response.json()) as ErrorEnvelope).error]).toMatchObject([
          400,
          { code: "invalid_value", param: name },
        ]);
      }
      if (dialect === "count") return;
      const shouted = `{${rest},"${name.toUpperCase()}":${value}}`;
      const response = await gateway.call(paths[dialect], shouted);
      const { error } = (await response.json()) as ErrorEnvelope;
      // A field that is required is told as missing.
      expect([response.status, error.param?.toLowerCase()]).toEqual([400, name]);
    },
  );

  it("refuses what is given twice inside, and in `extra_body` whatever its case", async () => {
    const refusedInside: readonly [keyof typeof paths, string, string][] = [
      [
        "chat",
        `"messages":[{"role":"user","content":[{"type":"text","text":"a","type":"image_url"}]}]`,
        "messages[0].content[0].type",
      ],
      [
        "chat",
        `"messages":[{"role":"user","content":"a"}],"stream":true,"stream_options":{"include_usage":true,"include_usage":false}`,
        "stream_options.include_usage",
      ],
      ["chat", `"messages":[{"role":"user","content":"a"}],"extra_body":{"N":128}`, "extra_body.N"],
      ["responses", `"input":"a","reasoning":{"effort":"low","effort":"high"}`, "reasoning.effort"],
      [
        "messages",
        `"max_tokens":5,"messages":[{"role":"user","content":"a"}],"output_config":{"effort":"low","effort":"max"}`,
        "output_config.effort",
      ],
    ];
    for (const [dialect, body, param] of refusedInside) {
      const response = await gateway.call(paths[dialect], `{"model":"m",${body}}`);
      const { error } = (await response.json()) as ErrorEnvelope;
      expect([response.status, error.code, error.param]).toEqual([400, "invalid_value", param]);
    }
  });

  it("tells no name of a client at length, and records none", async () => {
    const logit_bias = { ["n".repeat(500_000)]: 1_000 };
    const response = await gateway.call(paths.chat, { model: "m", messages: user, logit_bias });
    const text = await response.text();
    expect([response.status, text.length < 2_000]).toEqual([400, true]);
    expect(text).toContain("logit_bias.nnn");
    await expect
      .poll(() => gateway.recorded.some(({ errorMessage }) => errorMessage.includes("logit_bias")))
      .toBe(true);
    for (const { errorMessage } of gateway.recorded) expect(errorMessage.length).toBeLessThan(1_000);
  });

  it("nothing of all this went on", () => expect(gateway.resolved).toEqual([]));
});
