import { describe, expect, test } from "vitest";
import type { Asked } from "../../domain/exchange.ts";
import { adapters } from "../registry.ts";
import { generationOf, versionOf } from "./models.ts";

function sent(model: string, body: object, more: Partial<Asked> = {}, dialect = "openai.chat", flavour = {}) {
  const asked: Asked = {
    requestId: 1n,
    model: "m",
    upstreamModel: model,
    control: "",
    stream: false,
    includeUsage: false,
    body: Buffer.from(JSON.stringify({ messages: [{ role: "user", content: "x" }], ...body })),
    headers: {},
    createdUnixS: 0,
    keepResponse: false,
    ...more,
  };
  const made = adapters.anthropic?.open(JSON.stringify(flavour)).exchanges[dialect]?.(asked);
  if (made === undefined) throw new Error("no exchange");
  const { message, notes } = made;
  return { ...message, body: JSON.parse(Buffer.from(message.body).toString()), notes };
}

describe("generations", () => {
  test.each([
    ["claude-3-haiku-20240307", 3],
    ["claude-3-5-sonnet-20241022", 3.5],
    ["claude-3-7-sonnet-20250219", 3.7],
    ["claude-sonnet-4-20250514", 4],
    ["claude-opus-4-1-20250805", 4.1],
    ["claude-haiku-4-5-20251001", 4.5],
    ["anthropic.claude-opus-4-6-v1", 4.6],
    ["anthropic/claude-opus-4.7", 4.7],
    ["claude-sonnet-5", 5],
    ["my-own-name", 4.6],
  ])("%s is %d", (model, version) => {
    expect(versionOf(model)).toBe(version);
  });

  test("bounds of output", () => {
    expect(generationOf("claude-3-haiku-20240307").maxOutputTokens).toBe(4_096);
    expect(generationOf("claude-opus-4-1").maxOutputTokens).toBe(32_000);
    expect(generationOf("claude-opus-4-6").maxOutputTokens).toBe(128_000);
  });
});

describe("thinking", () => {
  test("an effort is a budget up to 4.5 and an effort from 4.6 on", () => {
    const old = sent("claude-sonnet-4-5", { reasoning_effort: "low", max_tokens: 8000 }).body;
    expect(old.thinking).toEqual({ type: "enabled", budget_tokens: 2048 });
    const adaptive = sent("claude-opus-4-6", { reasoning_effort: "xhigh", max_tokens: 8000 }).body;
    expect(adaptive.thinking).toEqual({ type: "adaptive" });
    expect(adaptive.output_config).toEqual({ effort: "max" });
    const newest = sent("claude-opus-4-7", { reasoning_effort: "xhigh" }).body;
    expect(newest.thinking).toEqual({ type: "adaptive", display: "summarized" });
    expect(newest.output_config).toEqual({ effort: "xhigh" });
  });

  test("a budget stays one where the model takes it, and becomes an effort where not", () => {
    const thinking = { thinking: { type: "enabled", budget_tokens: 3000 }, max_tokens: 8000 };
    expect(sent("claude-opus-4-6", thinking).body.thinking).toEqual({ type: "enabled", budget_tokens: 3000 });
    expect(sent("claude-opus-4-7", thinking).body).toMatchObject({
      thinking: { type: "adaptive" },
      output_config: { effort: "medium" },
    });
  });

  test("it fits into the client's bound or does not take place", () => {
    expect(sent("claude-sonnet-4-5", { reasoning_effort: "high", max_tokens: 2000 }).body).toMatchObject({
      max_tokens: 2000,
      thinking: { budget_tokens: 1600 },
    });
    const { body, notes } = sent("claude-sonnet-4-5", { reasoning_effort: "high", max_completion_tokens: 1000 });
    expect(body.thinking).toBeUndefined();
    expect(notes).toEqual(["reasoning_effort dropped: 1000 output tokens leave no room for it"]);
  });

  test("the suffix of the model wins, in either dialect", () => {
    expect(sent("claude-sonnet-4-5", {}, { control: "thinking" }).body.thinking.type).toBe("enabled");
    expect(
      sent("claude-sonnet-4-5", { reasoning_effort: "high" }, { control: "nothinking" }).body.thinking,
    ).toBeUndefined();
    const own = sent(
      "claude-sonnet-4-5",
      { max_tokens: 4096, temperature: 0.3 },
      { control: "low" },
      "anthropic.messages",
    );
    expect(own.body.thinking).toEqual({ type: "enabled", budget_tokens: 2048 });
    expect(own.body.temperature).toBeUndefined();
    expect(own.notes).toEqual(["temperature dropped: it cannot be set while the model thinks"]);
    const off = sent(
      "claude-sonnet-4-5",
      { max_tokens: 4096, thinking: { type: "enabled", budget_tokens: 2000 } },
      { control: "nothinking" },
      "anthropic.messages",
    );
    expect(off.body.thinking).toBeUndefined();
    const search = sent("claude-sonnet-4-5", { max_tokens: 9 }, { control: "search" }, "anthropic.messages");
    expect(search.body.tools).toEqual([{ type: "web_search_20250305", name: "web_search", max_uses: 5 }]);
  });

  test("it gives way to a required call, and to a tool turn whose thinking was lost", () => {
    const tools = [{ type: "function", function: { name: "f" } }];
    const required = sent("claude-sonnet-4-5", { tools, tool_choice: "required", reasoning_effort: "high" });
    expect(required.body.thinking).toBeUndefined();
    expect(required.notes).toEqual(["reasoning_effort dropped: the model cannot think where a call is required"]);
    const messages = [
      { role: "user", content: "x" },
      { role: "assistant", tool_calls: [{ id: "a", type: "function", function: { name: "f", arguments: "{}" } }] },
      { role: "tool", tool_call_id: "a", content: "1" },
    ];
    expect(sent("claude-sonnet-4-5", { tools, messages, reasoning_effort: "high" }).body.thinking).toBeUndefined();
    // Adaptive models do without.
    expect(sent("claude-opus-4-6", { tools, messages, reasoning_effort: "high" }).body.thinking.type).toBe("adaptive");
  });
});

describe("sampling", () => {
  test("one of temperature and top_p from 4.1 on, none from 4.7 on", () => {
    const both = { temperature: 0.2, top_p: 0.9 };
    expect(sent("claude-3-5-sonnet-20241022", both).body).toMatchObject(both);
    expect(sent("claude-sonnet-4-5", both).body).toMatchObject({ temperature: 0.2 });
    expect(sent("claude-sonnet-4-5", both).body).not.toHaveProperty("top_p");
    const newest = sent("claude-opus-4-7", both);
    expect(newest.body).not.toHaveProperty("temperature");
    expect(newest.notes).toHaveLength(2);
    expect(sent("claude-opus-4-7", { temperature: 1, top_p: 1 }).notes).toEqual([]);
  });
});

describe("what the format cannot say is refused by its path", () => {
  const part = (value: object) => ({ messages: [{ role: "user", content: [{ type: "text", text: "x" }, value] }] });
  test.each([
    [{ n: 2 }, "n"],
    [{ modalities: ["text", "audio"] }, "modalities"],
    [part({ type: "input_audio", input_audio: { data: "AA", format: "wav" } }), "messages[0].content[1]"],
    [part({ type: "image_url", image_url: { url: "data:image/bmp;base64,AA" } }), "messages[0].content[1]"],
    [part({ type: "file", file: { file_id: "file-1" } }), "messages[0].content[1]"],
    [part({ type: "image_url", image_url: { url: "data:nonsense" } }), "messages[0].content[1].image_url.url"],
  ])("%j: %s", (body, param) => {
    expect(() => sent("claude-sonnet-4-5", body)).toThrow(expect.objectContaining({ code: "invalid_value", param }));
  });

  test("a schema, by models before 4.1", () => {
    const response_format = { type: "json_schema", json_schema: { name: "x", schema: { type: "object" } } };
    expect(() => sent("claude-3-5-sonnet-20241022", { response_format })).toThrow(
      expect.objectContaining({ param: "response_format" }),
    );
  });
});

describe("headers and turns", () => {
  test("the client's version and previews go on; a translated request has its own", () => {
    const headers = { "anthropic-version": "2026-10-21", "anthropic-beta": "a,b", "anthropic-other": "x" };
    const own = sent("claude-opus-4-7", { max_tokens: 1 }, { headers }, "anthropic.messages");
    expect(own.headers).toEqual({ "anthropic-version": "2026-10-21", "anthropic-beta": "a,b" });
    expect(sent("claude-opus-4-7", {}).headers).toEqual({ "anthropic-version": "2023-06-01" });
  });

  test("the first turn is the user's, an answer that is begun ends without white space", () => {
    const { body, notes } = sent("claude-sonnet-4-5", {
      messages: [
        { role: "system", content: "s" },
        { role: "assistant", content: "Begin: " },
      ],
    });
    expect(body.system).toBe("s");
    expect(body.messages).toEqual([
      { role: "user", content: "..." },
      { role: "assistant", content: "Begin:" },
    ]);
    expect(notes).toHaveLength(1);
  });
});

describe("errors of the vendor", () => {
  const fail = (status: number, body: object, headers = {}) =>
    adapters.anthropic?.open("{}").failure(status, headers, JSON.stringify(body), "");
  test.each([
    [529, { error: { type: "overloaded_error", message: "Overloaded" } }, "upstream_overloaded", true],
    [429, { error: { type: "rate_limit_error", message: "x" } }, "upstream_overloaded", true],
    [
      429,
      { error: { type: "rate_limit_error", message: "x", details: { error_code: "enforced_spend_limit_reached" } } },
      "upstream_error",
      true,
    ],
    [
      400,
      { error: { type: "invalid_request_error", message: "Your credit balance is too low" } },
      "upstream_error",
      true,
    ],
    [
      400,
      { error: { type: "invalid_request_error", message: "prompt is too long: 210000 tokens > 200000 maximum" } },
      "context_length_exceeded",
      false,
    ],
    [400, { error: { type: "invalid_request_error", message: "messages.0: bad" } }, "invalid_value", false],
    [401, { error: { type: "authentication_error", message: "x" } }, "upstream_error", true],
    [404, { error: { type: "not_found_error", message: "model: x" } }, "upstream_error", true],
    [504, { error: { type: "timeout_error", message: "x" } }, "upstream_timeout", true],
    [500, { error: { type: "api_error", message: "x" } }, "upstream_error", true],
    [503, {}, "upstream_overloaded", true],
  ])("%i %j is %s", (status, body, code, failover) => {
    expect(fail(status, body)).toMatchObject({ error: { code }, failover });
  });

  test("the request ID of the body is kept where the headers have none", () => {
    expect(fail(500, { request_id: "req_1", error: {} })?.error.upstreamRequestId).toBe("req_1");
  });
});

test("a count, too, is not asked for thinking that another vendor signed", () => {
  const thinking = (signature: string) => ({ type: "thinking", thinking: "t", signature });
  const answer = { type: "text", text: "y" };
  const body = {
    model: "m",
    max_tokens: 9,
    messages: [
      { role: "user", content: "x" },
      { role: "assistant", content: [thinking("tl1~gemini~Y2Fs"), answer] },
      { role: "assistant", content: [thinking("EqkBCg=="), answer] },
    ],
  };
  const asked = { upstreamModel: "claude-sonnet-4-5", body: Buffer.from(JSON.stringify(body)), headers: {} };
  const count = adapters.anthropic?.open("{}").counts?.["anthropic.messages"]?.(asked as unknown as Asked);
  expect(JSON.parse(Buffer.from(count?.message.body ?? "").toString())).toEqual({
    model: "claude-sonnet-4-5",
    messages: [body.messages[0], { role: "assistant", content: [answer] }, body.messages[2]],
  });
});

describe("what costs more than the model's price", () => {
  const ask = (body: object, flavour = {}) =>
    sent("claude-opus-4-6", { max_tokens: 9, ...body }, {}, "anthropic.messages", flavour);

  test("is left out unless the channel allows it", () => {
    const { body, notes } = ask({ speed: "fast" });
    expect(body).not.toHaveProperty("speed");
    expect(notes).toEqual([expect.stringContaining("speed")]);
    expect(ask({ speed: "fast", inference_geo: "us" }, { premium: true }).body).toMatchObject({
      speed: "fast",
      inference_geo: "us",
    });
  });

  test("is refused where it says where data may be processed", () => {
    expect(() => ask({ inference_geo: "us" })).toThrow(
      expect.objectContaining({ code: "invalid_value", param: "inference_geo" }),
    );
  });

  test("values that cost nothing more go on", () => {
    const plain = { speed: "standard", inference_geo: "global" };
    const { body, notes } = ask(plain);
    expect(body).toMatchObject(plain);
    expect(notes).toEqual([]);
  });
});
