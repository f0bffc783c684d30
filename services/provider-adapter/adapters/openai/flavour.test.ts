import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import type { Prices } from "../../../../shared/money/prices.ts";
import { Unit } from "../../../../shared/units.ts";
import type { Asked } from "../../domain/exchange.ts";
import { adapters } from "../registry.ts";
import { readFlavour } from "./flavour.ts";
import { flavourFields } from "./flavour-config.ts";
import { flavours } from "./flavours/index.ts";
import { anthropic, exchange, sent } from "./testing-flavour.ts";

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

  test("a channel's own words take the place of its vendor's, and its errors stand before the vendor's", () => {
    const opened = readFlavour(
      JSON.stringify({ vendor: "deepseek", reasoning_back: "never", errors: [{ status: 402, means: "overloaded" }] }),
    );
    expect(opened.of("x").reasoningBack).toBe("never");
    expect(opened.of("x").thinkingOn).toEqual({ thinking: '{"type":"enabled"}' });
    expect(opened.errorRules[0]?.means).toBe("overloaded");
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
