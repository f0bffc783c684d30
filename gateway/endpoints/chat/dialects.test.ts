import { readFileSync } from "node:fs";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { ErrorEnvelope } from "../../../shared/errors/envelope.ts";
import { unaryHandler } from "../../../shared/rpc/index.ts";
import { answering, startTestGateway, type TestGateway } from "../../testing.ts";

const user = [{ role: "user", content: "Hi" }];
const paths = {
  chat: "/v1/chat/completions",
  messages: "/v1/messages",
  count: "/v1/messages/count_tokens",
  responses: "/v1/responses",
  completions: "/v1/completions",
};

describe("dialects", () => {
  let gateway: TestGateway;
  beforeAll(async () => {
    gateway = await startTestGateway({
      provider: {
        invoke: answering('{"id":"x"}'),
        countTokens: unaryHandler(async () => ({ inputTokens: 7n, upstreamRequestId: "req_up" })),
      },
    });
  });
  afterAll(() => gateway[Symbol.asyncDispose]());

  const accepted: readonly [keyof typeof paths, string, object, string?][] = [
    ["chat", "nulls", { messages: user, temperature: null, tools: null, stop: null, stream_options: null }],
    [
      "chat",
      "an assistant that calls tools",
      {
        messages: [
          {
            role: "assistant",
            content: null,
            tool_calls: [{ id: "c", type: "function", function: { name: "f", arguments: "{}" } }],
          },
          { role: "tool", tool_call_id: "c", content: "4" },
        ],
      },
    ],
    [
      "messages",
      "sampling in the older version",
      { messages: user, max_tokens: 5, temperature: 1, top_k: 5 },
      "2023-06-01",
    ],
    [
      "messages",
      "server tools and unknown blocks",
      {
        messages: [{ role: "user", content: [{ type: "container_upload", file_id: "f" }] }],
        max_tokens: 5,
        tools: [{ type: "web_search_20260318", name: "web_search" }],
      },
      "2026-10-21",
    ],
    ["messages", "a cache that is only warmed", { messages: user, max_tokens: 0 }],
    [
      "messages",
      "an image inside a tool's result",
      {
        max_tokens: 5,
        messages: [
          {
            role: "user",
            content: [
              {
                type: "tool_result",
                tool_use_id: "t",
                content: [
                  { type: "image", source: { type: "base64", media_type: "image/png", data: "A".repeat(2_000_000) } },
                ],
              },
            ],
          },
        ],
      },
    ],
    ["count", "tools", { messages: user, tools: [{ name: "f", input_schema: { type: "object" } }] }],
    [
      "responses",
      "items of all kinds",
      {
        input: [
          { role: "developer", content: "x" },
          {
            type: "message",
            role: "user",
            content: [
              { type: "input_text", text: "a" },
              { type: "input_image", image_url: "data:image/png;base64,AA" },
            ],
          },
          { type: "function_call", call_id: "c", name: "f", arguments: "{}" },
          { type: "function_call_output", call_id: "c", output: "4" },
          { type: "reasoning", id: "r", summary: [] },
          { type: "web_search_call", id: "w" },
        ],
      },
    ],
    ["responses", "a stored prompt", { prompt: { id: "pmpt_1" } }],
    ["completions", "tokens of several prompts", { prompt: [[1, 2], [3]], n: 2 }],
    ["completions", "an empty prompt", { prompt: "" }],
  ];
  it.each(accepted)("%s takes %s", async (dialect, _what, body, version) => {
    const headers = version === undefined ? {} : { "anthropic-version": version };
    const response = await gateway.call(paths[dialect], { model: "m", ...body }, { headers });
    expect([response.status, await response.text()]).toEqual([
      200,
      dialect === "count" ? '{"input_tokens":7}' : '{"id":"x"}',
    ]);
  });

  const newer: readonly [string, object, string][] = [
    ["temperature", { messages: user, temperature: 1 }, "temperature"],
    [
      "a document of the assistant",
      {
        messages: [
          {
            role: "assistant",
            content: [{ type: "document", source: { type: "text", data: "a", media_type: "text/plain" } }],
          },
        ],
      },
      "messages[0].content[0]",
    ],
    [
      "citations of the user",
      { messages: [{ role: "user", content: [{ type: "text", text: "a", citations: [{}] }] }] },
      "messages[0].content[0].citations",
    ],
  ];
  it.each(newer)("messages in version 2026-10-21 refuses %s, the older takes it", async (_what, body, param) => {
    const send = (version: string) =>
      gateway.call(
        paths.messages,
        { model: "m", max_tokens: 5, ...body },
        { headers: { "anthropic-version": version } },
      );
    const response = await send("2026-10-21");
    expect([response.status, ((await response.json()) as ErrorEnvelope).error.param]).toEqual([400, param]);
    expect((await send("2023-06-01")).status).toBe(200);
    expect(((await (await send("2023-01-01")).json()) as ErrorEnvelope).error.param).toBe("anthropic-version");
  });

  it("every example of the seed is accepted", async () => {
    const file = new URL("../../../test/conformance/fixtures/chat-examples.json", import.meta.url);
    const examples = JSON.parse(readFileSync(file, "utf8")) as { name: string; body: object }[];
    expect(examples).toHaveLength(20);
    for (const { name, body } of examples) {
      const response = await gateway.call(paths.chat, body);
      expect([name, response.status, await response.text()]).toEqual([name, 200, '{"id":"x"}']);
    }
  });

  it("gives routing and billing what the dialect says", async () => {
    const image = { type: "image", source: { type: "url", url: "https://a.example/b.png" } };
    await gateway.call(
      paths.messages,
      {
        model: "vision",
        max_tokens: 50,
        messages: [
          { role: "user", content: [image, { type: "text", text: "What?", cache_control: { type: "ephemeral" } }] },
        ],
        tools: [{ name: "f", input_schema: { type: "object" } }],
        output_config: { format: { type: "json_schema", schema: {} } },
        metadata: { user_id: "u-1" },
      },
      { headers: { "anthropic-beta": "b1,b2", "anthropic-workspace-id": "theirs" } },
    );
    const item = gateway.resolved.at(-1);
    expect(item).toMatchObject({ model: "vision", affinity: "u-1" });
    expect(item?.needs).toMatchObject({ tools: true, vision: true, structuredOutput: true, maxOutputTokens: 50n });
    await gateway.call(paths.responses, { model: "m", input: "a", prompt_cache_key: "k-1" });
    expect(gateway.resolved.at(-1)).toMatchObject({ affinity: "k-1", needs: { tools: false, vision: false } });
  });

  const bounded: readonly [path: string, field: string, body: object][] = [
    [paths.chat, "max_tokens", { messages: user }],
    [paths.chat, "max_completion_tokens", { messages: user }],
    [paths.completions, "max_tokens", { prompt: "a" }],
    [paths.messages, "max_tokens", { messages: user }],
    [paths.responses, "max_output_tokens", { input: "a" }],
  ];
  it.each(bounded)("%s: %s may not be far over the model's window", async (path, field, body) => {
    expect((await gateway.call(path, { model: "m", ...body, [field]: 256_000 })).status).toBe(200);
    const response = await gateway.call(path, { model: "m", ...body, [field]: 256_001 });
    const { error } = (await response.json()) as ErrorEnvelope;
    expect(response.status).toBe(400);
    expect(error).toMatchObject({ type: "invalid_request_error", code: "context_length_exceeded", param: field });
    expect(error.message).toContain("128000");
  });

  it("random bodies never give a 500", async () => {
    const field = fc.constantFrom(
      "model",
      "messages",
      "role",
      "content",
      "type",
      "text",
      "source",
      "data",
      "tools",
      "name",
      "input_schema",
      "function",
      "input",
      "prompt",
      "max_tokens",
      "thinking",
      "system",
      "stop",
      "n",
      "__proto__",
      "constructor",
      "tool_calls",
    );
    const word = fc.constantFrom(
      "text",
      "image",
      "image_url",
      "user",
      "assistant",
      "function",
      "base64",
      "enabled",
      "",
      "\u0000",
    );
    const leaf = fc.oneof(word, fc.integer(), fc.double(), fc.boolean(), fc.constant(null), fc.string());
    const { value } = fc.letrec((tie) => ({
      value: fc.oneof(
        { depthSize: "small" },
        leaf,
        fc.array(tie("value"), { maxLength: 4 }),
        fc.dictionary(field, tie("value"), { maxKeys: 6 }),
      ),
    }));
    const body = fc.record(
      {
        model: fc.constant("m"),
        messages: fc.array(fc.dictionary(field, value)),
        input: value,
        prompt: value,
        max_tokens: fc.oneof(fc.nat(), value),
        tools: value,
        thinking: value,
        system: value,
        stream: fc.constant(false),
      },
      { requiredKeys: [] },
    );
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...Object.values(paths)), fc.oneof(body, value), async (path, given) => {
        const response = await gateway.call(path, JSON.stringify(given) ?? "null");
        const text = await response.text();
        expect([200, 400]).toContain(response.status);
        if (response.status === 400)
          expect(text).toMatch(/"code":"(missing_required_field|invalid_value|context_length_exceeded)"/);
      }),
      { numRuns: 400 },
    );
    expect(gateway.lines.filter((line) => line.level === "error")).toEqual([]);
  });
});
