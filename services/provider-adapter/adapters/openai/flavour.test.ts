import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import type { Prices } from "../../../../shared/money/prices.ts";
import { Unit } from "../../../../shared/units.ts";
import type { Asked, Exchange } from "../../domain/exchange.ts";
import { adapters } from "../registry.ts";
import { readFlavour } from "./flavour.ts";
import { flavourFields } from "./flavour-config.ts";
import { flavours } from "./flavours/index.ts";

interface Sent {
  readonly path: string;
  readonly body: Record<string, unknown>;
  readonly notes: readonly string[];
}

function exchange(flavour: object, body: object, more: Partial<Asked> = {}, dialect = "openai.chat"): Exchange {
  const asked: Asked = {
    requestId: 1n,
    model: "m",
    upstreamModel: "some-model",
    control: "",
    stream: false,
    includeUsage: false,
    body: Buffer.from(JSON.stringify({ messages: [{ role: "user", content: "x" }], ...body })),
    headers: {},
    createdUnixS: 0,
    keepResponse: false,
    ...more,
  };
  const made = adapters.openai?.open(JSON.stringify(flavour)).exchanges[dialect]?.(asked);
  if (made === undefined) throw new Error("no exchange");
  return made;
}

/** What goes upstream. */
function sent(flavour: object, body: object, more: Partial<Asked> = {}, dialect?: string): Sent {
  const { message, notes } = exchange(flavour, body, more, dialect);
  return { path: message.path, body: JSON.parse(Buffer.from(message.body).toString()), notes };
}

const anthropic = "anthropic.messages";
const free: Prices = {
  inputNanoUsdPerMtok: 0n,
  cachedInputNanoUsdPerMtok: 0n,
  cacheWriteNanoUsdPerMtok: 0n,
  outputNanoUsdPerMtok: 0n,
  reasoningNanoUsdPerMtok: 0n,
  imageNanoUsd: 0n,
  audioSecondNanoUsd: 0n,
  characterNanoUsdPerMchar: 0n,
  requestNanoUsd: 0n,
  groupRatioPpm: 1_000_000,
};

describe.each(["openai.chat", anthropic])("an answer that is none, to %s", (dialect) => {
  const moments = { sentUs: 1, firstByteUs: 2, firstContentUs: 3, lastByteUs: 4, nowUs: 5 };

  test.each([
    '{"error":{"message":"no"}}',
    '{"error":"no"}',
    '{"error":{"message":"no"},"choices":null}',
    '{"error":"no","choices":[]}',
    '{"id":"x","choices":[],"usage":{"prompt_tokens":1,"completion_tokens":0}}',
    '{"base_resp":{"status_code":1004}}',
  ])("%s", (text) => {
    const read = () => exchange({}, { max_tokens: 9 }, {}, dialect).whole(Buffer.from(text), moments);
    expect(read).toThrow(expect.objectContaining({ code: "upstream_error" }));
  });

  test("a stream of nothing but its end is not complete", () => {
    const stream = exchange({}, { max_tokens: 9 }, { stream: true }, dialect).stream();
    expect(stream.event({ data: "[DONE]" })).toBe("");
    expect(stream.isComplete()).toBe(false);
  });
});

describe("flavours", () => {
  test.each(Object.keys(flavours))("%s opens, and asks for the same of both dialects", (vendor) => {
    const opened = readFlavour(JSON.stringify({ vendor }));
    expect(opened.of("some-model").path).toContain("/chat/completions");
    const chat = sent({ vendor }, { max_tokens: 9, temperature: 0.5 }, { stream: true });
    const messages = sent({ vendor }, { max_tokens: 9, temperature: 0.5, stream: true }, { stream: true }, anthropic);
    expect(messages.body.temperature).toBe(chat.body.temperature);
    expect(messages.body.stream_options).toEqual(chat.body.stream_options);
    expect(messages.body.max_tokens ?? messages.body.max_completion_tokens).toBe(9);
  });

  test.each([
    [{ rerank: { shape: "smell" } }, "modules.rerank.shape: unknown shape 'smell'; known are jina, tei"],
    [{ chat: { path: "/a" } }, "modules.chat: nothing can be said of this module"],
    [{ smell: {} }, "smell"],
  ])("%j of modules is refused, and the field is named", (modules, message) => {
    expect(() => adapters.openai?.open(JSON.stringify({ modules }))).toThrow(message);
  });

  test("what a channel says of a module goes before what is known of its vendor", () => {
    const ranking = { query: "q", documents: ["a"] };
    const placeIn = (flavour: object) => exchange(flavour, ranking, {}, "jina.rerank").message;
    expect(placeIn({})).toMatchObject({ path: "/rerank" });
    expect(placeIn({})).not.toHaveProperty("base");
    expect(placeIn({ vendor: "dashscope" })).toMatchObject({
      path: "/reranks",
      base: ["compatible-mode", "compatible-api"],
    });
    expect(placeIn({ vendor: "dashscope", modules: { rerank: { path: "/r" } } })).toMatchObject({ path: "/r" });
  });

  test("the example configuration tells every field and vendor, and its channels can be opened", () => {
    const example = readFileSync(new URL("../../../../deploy/throughline.example.yaml", import.meta.url), "utf8");
    const told = example.slice(example.indexOf("---- flavour of the adapter openai"), example.indexOf("\nchannels:"));
    for (const name of [...flavourFields, ...Object.keys(flavours)]) expect(told).toMatch(new RegExp(`\\b${name}\\b`));
    type Channel = { name: string; adapter: string; base_url: string; flavour?: object };
    const { channels } = parse(example) as { channels: Channel[] };
    for (const { name, adapter, base_url, flavour = {} } of channels) {
      expect([name, adapters[adapter]?.open(JSON.stringify(flavour), base_url)]).toEqual([name, expect.anything()]);
    }
  });

  test.each(["openai.chat", "openai.responses"])(
    "what costs more than the model's price is asked for where the channel allows it: %s",
    (dialect) => {
      const body = { input: "x", service_tier: "priority" };
      const openai = { vendor: "openai" };
      const { body: standard, notes } = sent(openai, body, {}, dialect);
      expect(standard.service_tier).toBe("default");
      expect(notes).toEqual([expect.stringContaining("service_tier")]);
      expect(sent({ ...openai, premium: true }, body, {}, dialect).body.service_tier).toBe("priority");
      expect(sent(openai, { ...body, service_tier: "flex" }, {}, dialect).body.service_tier).toBe("flex");
    },
  );

  test.each(["openai.chat", "openai.responses", "openai.completions", anthropic])(
    "a tier goes on where the strategy has prices for it, and no dearer one does: %s",
    (dialect) => {
      const ask = (service_tier: string, more: Partial<Asked> = {}) => {
        const body = { input: "x", prompt: "x", max_tokens: 9, service_tier };
        return sent({ vendor: "openai", responses: true, completions: true }, body, more, dialect).body.service_tier;
      };
      const when = { aboveInputTokens: 0n, traits: { service_tier: "priority" } };
      const rates = [Unit.INPUT_TOKENS, Unit.OUTPUT_TOKENS].map((unit) => ({ unit, nanoUsd: 9n, when }));
      const prices = { ...free, inputNanoUsdPerMtok: 4n, outputNanoUsdPerMtok: 5n };
      for (const dearer of ["priority", "fast", "ultrafast", "next-year"]) {
        expect(ask(dearer), dearer).toBe("default");
        expect(ask(dearer, { prices }), dearer).toBe("default");
      }
      expect(ask("priority", { prices: { ...prices, rates } })).toBe("priority");
      // It is answered, and so charged, as "priority".
      expect(ask("fast", { prices: { ...prices, rates } })).toBe("fast");
      expect(ask("ultrafast", { prices: { ...prices, rates } })).toBe("default");
      expect(ask("priority", { prices: { ...prices, cacheWriteNanoUsdPerMtok: 1n, rates } })).toBe("default");
    },
  );

  test("what is dropped stays dropped, whatever else is done to it", () => {
    const { body, notes } = sent({ vendor: "mistral" }, { service_tier: "priority" });
    expect(body).not.toHaveProperty("service_tier");
    expect(notes).toEqual(["service_tier dropped: the vendor does not take it"]);
    const own = { vendor: "azure", drop_fields: ["store"] };
    const reasoning = sent(own, { store: true, temperature: 0.5, reasoning_effort: "max" }, { upstreamModel: "o3" });
    expect(reasoning.body).not.toHaveProperty("store");
    expect(reasoning.body).not.toHaveProperty("temperature");
    expect(reasoning.body.reasoning_effort).toBe("high");
  });

  test("sampling that a model refuses is dropped from responses that are passed through, too", () => {
    const ask = { input: "x", temperature: 0.5, top_p: 0.9 };
    const { body, notes } = sent({ vendor: "openai" }, ask, { upstreamModel: "o3" }, "openai.responses");
    expect(body).not.toHaveProperty("temperature");
    expect(body).not.toHaveProperty("top_p");
    expect(notes).toHaveLength(2);
    const other = sent({ vendor: "openai" }, ask, { upstreamModel: "gpt-4o" }, "openai.responses");
    expect(other.body).toMatchObject(ask);
  });

  test("a vendor that is not known, and a field that is none, are refused by name", () => {
    expect(() => readFlavour('{"vendor":"acme"}')).toThrow(/unknown vendor 'acme'.*deepseek/);
    expect(() => readFlavour('{"drop_field":["x"]}')).toThrow(/drop_field/);
    expect(() => readFlavour('{"errors":[{"status":429,"means":"nothing"}]}')).toThrow(/means/);
  });

  test("extra_body adds fields, and never another model", () => {
    const { body } = sent({}, { model: "cheap", extra_body: { model: "dear", top_k: 3 } });
    expect(body).toEqual({ messages: [{ role: "user", content: "x" }], model: "some-model", top_k: 3 });
  });

  test("OpenRouter: no other models than the one that was priced", () => {
    const { body, notes } = sent({ vendor: "openrouter" }, { models: ["openai/o1-pro"], route: "fallback" });
    expect(body).toEqual({ messages: [{ role: "user", content: "x" }], model: "some-model" });
    expect(notes).toHaveLength(2);
  });

  test("a channel's own words take the place of its vendor's, and its errors stand before the vendor's", () => {
    const opened = readFlavour(
      JSON.stringify({ vendor: "deepseek", reasoning_back: "never", errors: [{ status: 402, means: "overloaded" }] }),
    );
    expect(opened.of("x").reasoningBack).toBe("never");
    expect(opened.of("x").thinkingOn).toEqual({ thinking: '{"type":"enabled"}' });
    expect(opened.errorRules[0]?.means).toBe("overloaded");
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
    expect(sent({ vendor: "dashscope" }, {}, { upstreamModel: "qwen-plus" }).body).not.toHaveProperty(
      "enable_thinking",
    );
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
    expect(sent({ vendor: "dashscope" }, { max_tokens: 5, tools: [tool] }, {}, anthropic).body.enable_search).toBe(
      true,
    );
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

  test("the role developer is OpenAI's: others are told system", () => {
    const messages = [
      { role: "developer", content: 'no "developer"' },
      { role: "user", content: "x" },
    ];
    for (const vendor of ["deepseek", "mistral", "dashscope", "vllm"]) {
      expect(sent({ vendor }, { messages }).body.messages).toEqual([{ ...messages[0], role: "system" }, messages[1]]);
    }
    expect(sent({}, { messages }).body.messages).toMatchObject([{ role: "system" }, { role: "user" }]);
    for (const vendor of ["openai", "azure"]) expect(sent({ vendor }, { messages }).body.messages).toEqual(messages);
    const newer = { vendor: "vllm", developer_role: true };
    expect(sent(newer, { messages }).body.messages).toEqual(messages);
  });

  test("vendors that take no thinking back get none of ours", () => {
    const messages = [
      { role: "user", content: "x" },
      {
        role: "assistant",
        content: "y",
        reasoning_content: "t",
        reasoning_details: [{ type: "reasoning.text", text: "t" }],
      },
      { role: "user", content: "z" },
    ];
    expect(sent({ vendor: "openai" }, { messages }).body.messages).toEqual([
      messages[0],
      { role: "assistant", content: "y" },
      messages[2],
    ]);
  });

  test.each(["openai.chat", anthropic])("a vendor that fails says so as a finish reason, to %s", (dialect) => {
    const answer = { choices: [{ message: { content: "x" }, finish_reason: "insufficient_system_resource" }] };
    const made = exchange({ vendor: "deepseek" }, { max_tokens: 9 }, {}, dialect);
    const moments = { sentUs: 0, firstByteUs: 0, firstContentUs: 0, lastByteUs: 0, nowUs: 0 };
    expect(() => made.whole(Buffer.from(JSON.stringify(answer)), moments)).toThrow(/upstream failed/);
  });

  test("an answer's content is a text and its finish OpenAI's, also where the vendor says both otherwise", () => {
    const content = [
      { type: "thinking", thinking: [{ type: "text", text: "hm" }] },
      { type: "text", text: "Yes" },
    ];
    const answer = { choices: [{ message: { role: "assistant", content }, finish_reason: "model_length" }] };
    const moments = { sentUs: 0, firstByteUs: 0, firstContentUs: 0, lastByteUs: 0, nowUs: 0 };
    const whole = exchange({ vendor: "mistral" }, {}).whole(Buffer.from(JSON.stringify(answer)), moments);
    expect(JSON.parse(Buffer.from(whole.body).toString()).choices[0]).toMatchObject({
      message: { content: "Yes", reasoning_content: "hm" },
      finish_reason: "length",
    });
    expect(whole.finishReason).toBe("length");
  });
});
