import { describe, expect, test } from "vitest";
import { configurationOf, load, problemsOf, snapshotOf } from "../testing.ts";

describe("prices", () => {
  test("of the file are kept to the nano-dollar, and fill in for what is left out", () => {
    const text = `
strategies: [{ name: s, prices: { input: "0.000000001", output: 2.5, audio_second: "0.0001" } }]
models: [{ name: m, strategy: s }]
`;
    expect(configurationOf(text).strategies.find(({ name }) => name === "s")?.prices).toEqual({
      inputNanoUsdPerMtok: 1n,
      cachedInputNanoUsdPerMtok: 1n,
      cacheWriteNanoUsdPerMtok: 1n,
      outputNanoUsdPerMtok: 2_500_000_000n,
      reasoningNanoUsdPerMtok: 2_500_000_000n,
      imageNanoUsd: 0n,
      audioSecondNanoUsd: 100_000n,
      characterNanoUsdPerMchar: 0n,
      requestNanoUsd: 0n,
    });
  });

  test("of the table are those of the place where the model is served", () => {
    const text = `
channels:
  - { name: direct, adapter: anthropic, base_url: "https://api.anthropic.com", models: [claude-haiku-4-5] }
  - { name: router, adapter: openai, platform: openrouter, base_url: "http://proxy", models: { deepseek-reasoner: deepseek/deepseek-r1 } }
  - { name: unknown, adapter: openai, platform: nobody, base_url: "http://x", models: [whisper-1] }
`;
    const { channels, strategies } = configurationOf(text);
    const priceOf = (channel: string) => {
      const key = channels.find(({ name }) => name === channel)?.models[0]?.tableKey;
      return strategies.find((strategy) => strategy.key === key);
    };
    expect(priceOf("direct")).toMatchObject({
      key: "table:anthropic/claude-haiku-4-5",
      origin: "table",
      prices: {
        inputNanoUsdPerMtok: 1_000_000_000n,
        cacheWriteNanoUsdPerMtok: 1_250_000_000n,
        outputNanoUsdPerMtok: 5_000_000_000n,
      },
    });
    expect(priceOf("router")?.key).toBe("table:openrouter/deepseek/deepseek-r1");
    expect(priceOf("unknown")).toMatchObject({
      key: "table:openai/whisper-1",
      prices: { audioSecondNanoUsd: 100_000n },
    });
  });

  test("of a module that vendors give away: none is needed, and one that is given holds", () => {
    const channel = `{ name: a, adapter: openai, base_url: "https://a.example/v1", models: [judge, judge-*, priced] }`;
    const modelOf = (name: string, module: string, more = "") => `{ name: "${name}", module: ${module}${more} }`;
    const text = (module: string) => `
strategies: [{ name: dear, prices: { request: "0.01" } }]
models: [${modelOf("judge", module)}, ${modelOf("judge-*", module)}, ${modelOf("priced", module, ", strategy: dear")}]
channels: [${channel}]
`;
    const snapshot = snapshotOf(text("moderation"));
    const priceOf = (model: string) => snapshot.serving("default", model)?.tiers[0]?.members[0]?.price.strategy;
    expect(priceOf("judge")).toMatchObject({ name: "free", origin: "free" });
    expect(priceOf("judge-*")).toMatchObject({ name: "free", origin: "free" });
    expect(priceOf("priced")).toMatchObject({ name: "dear", prices: { requestNanoUsd: 10_000_000n } });
    expect(problemsOf(text("rerank"))).toContainEqual(expect.stringContaining('"judge" has no price'));
  });

  test("that charge nothing for what a module consumes are told", () => {
    const text = (module: string, prices: string) => `
strategies: [{ name: s, prices: { ${prices} } }]
models: [{ name: m, module: ${module}, strategy: s }]
channels: [{ name: c, adapter: openai, base_url: "http://x", models: [m] }]
`;
    const warnings = (module: string, prices: string) => {
      const compiled = load(text(module, prices));
      return compiled.ok ? compiled.warnings : undefined;
    };
    expect(warnings("rerank", 'output: "1"')).toEqual([
      "strategy s has no price for what every request to m consumes (rerank): such requests are free",
    ]);
    expect(warnings("chat", 'image: "1"')).toHaveLength(1);
    const charged = {
      rerank: "search",
      chat: "output",
      embeddings: "input",
      image: "output_image",
      audio: "characters",
      video: "video_second",
    };
    for (const [module, key] of Object.entries(charged)) {
      expect(warnings(module, `${key}: "1"`), module).toEqual([]);
      expect(warnings(module, 'request: "1"'), module).toEqual([]);
    }
  });

  test("of the table that cannot be charged as they stand there are told", () => {
    const text = `
models: [{ name: sonar-deep-research, owned_by: perplexity }]
channels: [{ name: p, adapter: openai, platform: perplexity, base_url: "https://api.perplexity.ai", models: [sonar-deep-research] }]
`;
    const compiled = load(text, { env: { DEEPSEEK_API_KEY: "k", GEMINI_API_KEY: "k" } });
    expect(compiled.ok && compiled.warnings).toEqual([
      "price of sonar-deep-research from the table (perplexity/sonar-deep-research): output_citation_mtok is left out: citations are counted with the output",
    ]);
  });
});
