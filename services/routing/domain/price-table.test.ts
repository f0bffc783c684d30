import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { calcPrice, type ModelInfo, type Provider, waitForUpdate } from "@pydantic/genai-prices";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { costNanoUsd } from "../../../shared/money/cost.ts";
import { noUsage } from "../../../shared/money/usage.ts";
import { Unit, unitEntry } from "../../../shared/units.ts";
import { testNowMs, testPrices } from "../testing.ts";
import { createGroupPrices, priceAt } from "./group-price.ts";
import { createPriceTable } from "./price-table.ts";
import { leftOutNames, tableNames } from "./table-names.ts";
import { readTablePrices } from "./table-prices.ts";
import type { PriceList } from "./types.ts";

const providers = (await waitForUpdate()) as Provider[];
const models = providers.flatMap((provider) => provider.models.map((model) => ({ provider, model })));

/** The package's own list of its prices: name, and for how many of what it counts a price is. */
function packageNames(): Map<string, number> {
  const path = createRequire(import.meta.url).resolve("@pydantic/genai-prices");
  const text = readFileSync(path.replace(/index\.cjs$/, "index.js"), "utf8");
  return new Map(
    [...text.matchAll(/\bper: ([\d.e]+),\s+price_key: "(\w+)"/g)].map(([, per, name]) => [name ?? "", Number(per)]),
  );
}

describe("the names of the table", () => {
  const names = packageNames();

  test("are all mapped to a unit or left out with a reason, and no other ones are", () => {
    expect(names.size).toBeGreaterThan(50);
    const mapped = tableNames.map(({ name }) => name);
    expect(mapped.filter((name) => Object.hasOwn(leftOutNames, name))).toEqual([]);
    expect([...new Set([...mapped, ...Object.keys(leftOutNames)])].sort()).toEqual([...names.keys()].sort());
    const used = new Set(models.flatMap(({ model }) => listsOf(model).flatMap((prices) => Object.keys(prices))));
    for (const name of used) expect([...names.keys()]).toContain(name);
  });

  test("are converted by what the package says that a price is for", () => {
    for (const { name, unit, per } of tableNames) {
      const { divisor, name: unitName } = unitEntry(unit);
      // The package counts seconds where we count milliseconds, and pixels where we count thousands.
      const finer = unitName.endsWith("_ms") ? 1_000 : unitName.endsWith("kilopixels") ? 0.001 : 1;
      expect(Number(per * divisor), name).toBe((names.get(name) ?? Number.NaN) * finer);
    }
  });
});

describe("what a model costs by the table", () => {
  const usage = (unit: Unit, amount: bigint) => {
    const { part } = unitEntry(unit);
    return part === undefined ? { ...noUsage, more: [{ unit, amount }] } : { ...noUsage, [part]: amount };
  };
  const list = (platform: string, model: string): PriceList => {
    const found = testPrices.find({ platform, baseUrl: "", upstreamModel: model, model, vendor: platform });
    if (found?.list == null) throw new Error(`the table has no ${platform}/${model}`);
    return found.list;
  };
  const million = 1_000_000n;

  test.each([
    ["google", "gemini-2.5-flash", Unit.INPUT_AUDIO_TOKENS, million, "1"],
    ["google", "gemini-2.5-flash", Unit.INPUT_TOKENS, million, "0.3"],
    ["google", "gemini-2.5-flash", Unit.INPUT_VIDEO_TOKENS, million, "0.3"],
    ["google", "gemini-2.5-flash", Unit.CACHED_INPUT_AUDIO_TOKENS, million, "0.1"],
    ["google", "gemini-2.5-pro", Unit.INPUT_TOKENS, 200_000n, "0.25"],
    ["google", "gemini-2.5-pro", Unit.INPUT_TOKENS, 200_001n, "0.5000025"],
    ["google", "gemini-2.5-pro", Unit.CACHED_INPUT_TOKENS, million, "0.25"],
    ["openai", "gpt-image-1.5", Unit.INPUT_TOKENS, million, "5"],
    ["openai", "gpt-image-1.5", Unit.INPUT_IMAGE_TOKENS, million, "8"],
    ["openai", "gpt-image-1.5", Unit.CACHED_INPUT_TOKENS, million, "1.25"],
    ["openai", "gpt-image-1.5", Unit.CACHED_INPUT_IMAGE_TOKENS, million, "2"],
    ["openai", "gpt-image-1.5", Unit.OUTPUT_IMAGE_TOKENS, million, "32"],
    ["anthropic", "claude-sonnet-4-5", Unit.CACHE_WRITE_TOKENS, 100_000n, "0.375"],
    ["anthropic", "claude-sonnet-4-5", Unit.CACHE_WRITE_1H_TOKENS, 100_000n, "0.6"],
    ["anthropic", "claude-sonnet-4-5", Unit.WEB_SEARCHES, 3n, "0.03"],
    ["openai", "gpt-4o", Unit.WEB_SEARCHES, 1_000n, "10"],
    ["openai", "gpt-4o", Unit.TOOL_CALLS, 1_000n, "2.5"],
    ["openai", "whisper-1", Unit.AUDIO_MS, 60_000n, "0.006"],
    ["openai", "whisper-1", Unit.INPUT_AUDIO_MS, 60_000n, "0.006"],
    ["groq", "whisper-large-v3", Unit.INPUT_AUDIO_MS, 3_600_000n, "0.1110024"],
    ["mistral", "mistral-ocr-2505", Unit.PAGES, 1_000n, "1"],
  ] as const)("%s/%s: of unit %i %i cost $%s", (platform, model, unit, amount, usd) => {
    const cost = costNanoUsd(usage(unit, amount), { ...list(platform, model).prices, groupRatioPpm: 1_000_000 });
    const perRequest = list(platform, model).prices.requestNanoUsd;
    expect(Number(cost - perRequest) / 1e9).toBe(Number(usd));
  });

  test("is to the nano-dollar what the package itself reckons, for every model, unit, length and hour", () => {
    const groupPrice = createGroupPrices();
    const group = { name: "default", ratioPpm: 1_000_000 };
    const tokens = fc.nat(600_000);
    const counts = fc.record({
      input: tokens,
      cached: tokens,
      cachedImage: tokens,
      cachedAudio: tokens,
      write: tokens,
      write1h: tokens,
      output: tokens,
      reasoning: tokens,
      image: tokens,
      audio: tokens,
      outImage: tokens,
      outAudio: tokens,
      seconds: fc.integer({ min: 10, max: 9_000 }),
      searches: fc.nat(9),
      pages: fc.nat(99),
    });
    const one = fc.tuple(
      fc.nat(models.length - 1),
      counts,
      fc.integer({ min: testNowMs, max: testNowMs + 86_399_999 }),
    );
    fc.assert(
      fc.property(one, ([index, n, atMs]) => {
        const { provider, model } = models[index] as (typeof models)[number];
        const now = new Date(atMs);
        const { list, dropped } = readTablePrices(model, now);
        if (list === null || dropped.length > 0) return;
        const has = (name: string) => listsOf(model).some((prices) => prices[name] !== undefined);
        const cached = has("cache_read_mtok") ? n.cached : 0;
        const [write, write1h] = has("cache_write_1h_mtok") ? [n.write, n.write1h] : [n.write, 0];
        const seconds = has("audio_hours") ? n.seconds : 0;
        const cachedImage = has("cache_image_read_mtok") ? n.cachedImage : 0;
        const cachedAudio = has("cache_audio_read_mtok") ? n.cachedAudio : 0;
        const [image, audio] = [n.image + cachedImage, n.audio + cachedAudio];
        const theirs = {
          input_tokens: n.input + cached + write + write1h + image + audio,
          cache_read_tokens: cached + cachedImage + cachedAudio,
          cache_image_read_tokens: cachedImage,
          cache_audio_read_tokens: cachedAudio,
          cache_image_write_tokens: 0,
          cache_audio_write_tokens: 0,
          cache_image_write_1h_tokens: 0,
          cache_audio_write_1h_tokens: 0,
          output_image_reasoning_tokens: 0,
          output_audio_reasoning_tokens: 0,
          output_image_citation_tokens: 0,
          output_audio_citation_tokens: 0,
          cache_write_tokens: write + write1h,
          cache_write_1h_tokens: write1h,
          input_image_tokens: image,
          input_audio_tokens: audio,
          output_tokens: n.output + n.reasoning + n.outImage + n.outAudio,
          output_reasoning_tokens: n.reasoning,
          output_image_tokens: n.outImage,
          output_audio_tokens: n.outAudio,
          audio_seconds: seconds,
          input_audio_seconds: seconds,
          web_searches: n.searches,
          input_document_pages: n.pages,
        };
        const expected = calcPrice(theirs, model.id, {
          provider: { ...provider, models: [{ ...model, match: { equals: model.id } }] },
          timestamp: now,
        });
        if (expected === null) throw new Error(`${model.id} is not found`);
        const more = [
          [Unit.CACHE_WRITE_1H_TOKENS, write1h],
          [Unit.INPUT_IMAGE_TOKENS, n.image],
          [Unit.CACHED_INPUT_IMAGE_TOKENS, cachedImage],
          [Unit.CACHED_INPUT_AUDIO_TOKENS, cachedAudio],
          [Unit.OUTPUT_IMAGE_TOKENS, n.outImage],
          [Unit.INPUT_AUDIO_TOKENS, n.audio],
          [Unit.OUTPUT_AUDIO_TOKENS, n.outAudio],
          [Unit.INPUT_AUDIO_MS, seconds * 1_000],
          [Unit.PAGES, n.pages],
          [Unit.WEB_SEARCHES, n.searches],
        ].map(([unit = 0, amount = 0]) => ({ unit: unit as Unit, amount: BigInt(amount) }));
        const ours = {
          ...noUsage,
          inputTokens: BigInt(n.input),
          cachedInputTokens: BigInt(cached),
          cacheWriteTokens: BigInt(write),
          outputTokens: BigInt(n.output),
          reasoningTokens: BigInt(n.reasoning),
          more: more.filter(({ amount }) => amount > 0n),
        };
        const key = `${provider.id}/${model.id}`;
        const price = groupPrice({ key, name: key, ...list, origin: "table", customResponse: "", list: "" }, group);
        if (price === undefined) throw new Error("no price");
        const cost = Number(costNanoUsd(ours, { ...priceAt(price, atMs).prices, groupRatioPpm: 1_000_000 }));
        // Our price of a second is the price of an hour, rounded up to the nano-dollar.
        expect(Math.abs(cost - expected.total_price * 1e9), key).toBeLessThanOrEqual(2 + seconds);
      }),
      { numRuns: 4_000 },
    );
  });
});

test("of the table as it is every price is charged but those of four models", () => {
  const told = models.flatMap(({ provider, model }) => {
    const { list, dropped } = readTablePrices(model, new Date(testNowMs));
    if (list === null) expect(listsOf(model), model.id).toEqual([{}]);
    return dropped.map((text) => `${provider.id}/${model.id}: ${text.split(" ")[0]}`);
  });
  expect(told).toEqual([
    "perplexity/sonar-deep-research: output_citation_mtok",
    "x-ai/grok-voice-latest: input_text_messages_kcount",
    "x-ai/grok-voice-think-fast-1.0: input_text_messages_kcount",
    "x-ai/grok-voice-think-fast-2.0: input_text_messages_kcount",
  ]);
});

describe("what the table says of hours and days", () => {
  const question = {
    platform: "deepseek",
    baseUrl: "",
    upstreamModel: "deepseek-chat",
    model: "deepseek-chat",
    vendor: "",
  };

  test("becomes the parts of a day", () => {
    const { list } = readTablePrices(
      {
        prices: [
          { prices: { input_mtok: 1 } },
          { constraint: { type: "start_date", start_date: "2026-11-01" }, prices: { input_mtok: 2 } },
          { constraint: { type: "start_date", start_date: "2027-01-01" }, prices: { input_mtok: 9 } },
          {
            constraint: { type: "time_of_date", start_time: "23:00:00Z", end_time: "02:30:00+01:00" },
            prices: { input_mtok: 3 },
          },
        ],
      },
      new Date(testNowMs),
    );
    expect(list?.byHour?.map(({ fromS, prices }) => [fromS / 60, prices.inputNanoUsdPerMtok])).toEqual([
      [0, 3_000_000_000n],
      [90, 2_000_000_000n],
      [1_380, 3_000_000_000n],
    ]);
    expect(list?.prices).toBe(list?.byHour?.[0]?.prices);
  });

  test("follows the day of a process that runs on", () => {
    let nowMs = Date.UTC(2024, 0, 1);
    const table = createPriceTable(() => nowMs);
    const of = (model: string) =>
      table.find({ ...question, platform: "openai", upstreamModel: model, model })?.list?.prices;
    const before = of("o3")?.inputNanoUsdPerMtok;
    nowMs = testNowMs;
    expect([before, of("o3")?.inputNanoUsdPerMtok]).toEqual([10_000_000_000n, 2_000_000_000n]);
  });
});

describe("a price of the table that is not charged as it says", () => {
  const read = (prices: unknown) => readTablePrices({ prices } as Pick<ModelInfo, "prices">, new Date(testNowMs));

  test.each([
    [
      "has no unit",
      { input_mtok: 1, output_citation_mtok: 2 },
      /^output_citation_mtok is left out: citations are counted/,
    ],
    [
      "has a name that is not known",
      { input_mtok: 1, dreams_mtok: 2 },
      /^dreams_mtok is left out: its name is not known$/,
    ],
    ["has a strange name", { input_mtok: 1, constructor: 2 }, /^constructor is left out: its name is not known$/],
    ["is no number", { input_mtok: 1, output_mtok: "2" }, /^output_mtok is left out: it is written in a way/],
    ["is negative", { input_mtok: 1, output_mtok: -2 }, /^output_mtok is left out/],
    [
      "has tiers of another kind",
      { input_mtok: 1, output_mtok: { base: 1, tiers: [{ from: 3, price: 2 }] } },
      /^output_mtok/,
    ],
    [
      "shares its unit with another",
      { input_mtok: 1, code_executions_kcount: 1, storage_searches_kcount: 2 },
      /^storage_searches_kcount is left out: code/,
    ],
    [
      "has a condition that is not known",
      [{ prices: { input_mtok: 1 } }, { constraint: { type: "moon" }, prices: { input_mtok: 2 } }],
      /^prices under the condition \{"type":"moon"\}/,
    ],
  ])("because it %s is told", (_, prices, text) => {
    const { list, dropped } = read(prices);
    expect(dropped).toHaveLength(1);
    expect(dropped[0]).toMatch(text);
    expect(list?.prices.inputNanoUsdPerMtok).toBe(1_000_000_000n);
  });

  test("leaves a model without a price where nothing else is left", () => {
    expect(read({ output_citation_mtok: 2 }).list).toBeNull();
    expect(read({}).list).toBeNull();
    expect(read({}).dropped).toEqual([]);
  });
});

function listsOf(model: ModelInfo) {
  return Array.isArray(model.prices) ? model.prices.map(({ prices }) => prices) : [model.prices];
}
