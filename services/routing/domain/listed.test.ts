import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { configurationOf, load, presets, snapshotOf, testNowMs, testPrices } from "../testing.ts";
import { buildSnapshot } from "./build-snapshot.ts";
import { dayOf, endOf } from "./ends.ts";
import { noHealth } from "./health.ts";
import { type Listing, moduleByName, sourceOf } from "./listed.ts";
import { loadConfiguration } from "./load.ts";
import { resolveRoute } from "./resolve.ts";
import type { Snapshot } from "./snapshot.ts";
import type { Module } from "./types.ts";

const ground = { health: noHealth, random: () => 0, nowMs: testNowMs };

/** The candidate that would be asked first; undefined: the model is not supported. */
function first(snapshot: Snapshot, model: string, module: Module = "chat") {
  const needs = { inputTokens: 1, maxOutputTokens: 0, capabilities: [] };
  try {
    return resolveRoute({ group: "default", model, module, needs, affinity: "" }, { ...ground, snapshot })
      .candidates[0];
  } catch (error) {
    expect(error).toMatchObject({ code: "model_not_supported" });
    return undefined;
  }
}

const openai = { adapter: "openai", baseUrl: "https://api.openai.com/v1" };
const listing = (channel: { adapter: string; baseUrl: string }, ...names: string[]): Listing => ({
  source: sourceOf(channel),
  models: names.map((name) => ({ name, createdUnixS: 1_780_000_000, endsOn: "" })),
});
const withKey = (key: string, listings?: ReadonlyMap<string, Listing>) =>
  snapshotOf("groups: []", [], { env: { [key]: "k" }, simulatorUrl: "http://127.0.0.1:1" }, listings);

/** Names of models in the types of a pinned SDK. */
function namesIn(file: string, pattern: RegExp): string[] {
  const path = fileURLToPath(new URL(`../../../node_modules/${file}`, import.meta.url));
  return [...new Set([...readFileSync(path, "utf8").matchAll(pattern)].map(([, name = ""]) => name))];
}

/** Models of OpenAI's list that only some accounts have and nobody prices. */
const unpriced = /^gpt-(daybreak|rosalind|6-rosalind)|-cyber$/;
const vendors = [
  {
    key: "OPENAI_API_KEY",
    names: namesIn("openai/resources/shared.d.ts", /'((?:gpt|o\d|chatgpt)[^']*)'/g).filter(
      (name) => !unpriced.test(name),
    ),
  },
  {
    key: "ANTHROPIC_API_KEY",
    names: namesIn("@anthropic-ai/sdk/resources/messages/messages.d.ts", /'(claude-[^']*)'/g),
  },
];

describe.each(vendors)("$key serves every model of the vendor's pinned SDK that has not ended", ({ key, names }) => {
  const snapshot = withKey(key);
  const { ends } = presets.vendors.find((vendor) => vendor.key === key) ?? { ends: {} };
  const today = dayOf(testNowMs);
  const living = names.filter((name) => endOf(ends, name) === "" || endOf(ends, name) > today);

  test("there are some, the newest among them", () => expect(living.length).toBeGreaterThan(15));

  test.each(living.filter((name) => moduleByName(name) === "chat"))("%s", (name) => {
    const candidate = first(snapshot, name);
    expect(candidate?.member.channel.standIn).toBe(false);
    expect(candidate?.upstreamModel).toBe(name);
    expect(candidate?.price.prices.inputNanoUsdPerMtok).toBeGreaterThan(0n);
  });
});

test("each vendor's channel serves what the price table has of it, at the price of the name", () => {
  for (const { key, table, channel, ends } of presets.vendors) {
    if (table === undefined) continue;
    const snapshot = withKey(key);
    const served = new Set(snapshot.modelsOf("default").map(({ name }) => name));
    const { adapter, platform = adapter, base_url: baseUrl } = channel;
    const patterns = Array.isArray(channel.models) ? channel.models.filter((name) => typeof name === "string") : [];
    for (const name of testPrices.list(table)) {
      const isPatterned = patterns.some(
        (one) => one.length > 1 && one.endsWith("*") && name.startsWith(one.slice(0, -1)),
      );
      if ((!isPatterned && channel.name !== "openrouter") || moduleByName(name) !== "chat") continue;
      const isOver = endOf(ends, name) !== "" && endOf(ends, name) <= dayOf(testNowMs);
      const list = testPrices.find({ platform, baseUrl, upstreamModel: name, model: name, vendor: "" })?.list;
      expect(served.has(name), `${channel.name} ${name}`).toBe(!isOver && list != null);
      if (isOver || list == null) continue;
      const [tier] = snapshot.serving("default", name)?.tiers ?? [];
      const own = presets.models.config.strategies.find((strategy) => strategy.name === name);
      if (own === undefined) expect(tier?.members[0]?.price.prices, name).toEqual(list?.prices);
    }
  }
});

test("no vendor's channel serves another vendor's models that the price table has under its name", () => {
  const ofGoogle = testPrices.list("google").filter((name) => name.startsWith("claude-"));
  expect(ofGoogle).toContain("claude-sonnet-4-6");
  const snapshot = withKey("GEMINI_API_KEY");
  expect(first(snapshot, "gemini-3.5-flash")).toBeDefined();
  for (const name of ofGoogle) expect([name, first(snapshot, name)]).toEqual([name, undefined]);
});

test("a new model of a vendor's list is served under its pattern, and in the list of models, with when it was made", () => {
  const listings = new Map([
    ["openai", listing(openai, "gpt-5.6-sol-2027-01-01", "gpt-99", "dall-e-9", "gpt-realtime-9")],
  ]);
  const snapshot = withKey("OPENAI_API_KEY", listings);
  expect(first(snapshot, "gpt-5.6-sol-2027-01-01")?.price.strategy.key).toBe("table:openai/gpt-5.6-sol");
  const names = snapshot.modelsOf("default").map(({ name }) => name);
  expect(names).toContain("gpt-5.6-sol-2027-01-01");
  expect(snapshot.createdUnixS("gpt-5.6-sol-2027-01-01")).toBe(1_780_000_000);
  // Models that nobody prices, or that no endpoint serves, are not offered.
  expect(names.filter((name) => /^(gpt-99|dall-e|gpt-realtime)/.test(name))).toEqual([]);
  expect(snapshot.warnings.filter((text) => text.includes("gpt-99"))).toHaveLength(1);
  expect(first(snapshot, "gpt-99")).toBeUndefined();
  // The vendor's own list is in the table's place.
  expect(names).not.toContain("gpt-5.4-pro");
  expect(
    withKey("OPENAI_API_KEY")
      .modelsOf("default")
      .map(({ name }) => name),
  ).toContain("gpt-5.4-pro");
});

test("the list of another server says nothing of this one", () => {
  const listings = new Map([["openai", listing({ ...openai, baseUrl: "http://other/v1" }, "gpt-5.6-sol-2027-01-01")]]);
  const names = withKey("OPENAI_API_KEY", listings)
    .modelsOf("default")
    .map(({ name }) => name);
  expect(names).not.toContain("gpt-5.6-sol-2027-01-01");
  expect(names).toContain("gpt-5.4-pro");
});

describe("a model that ends", () => {
  const at = (day: string, options: { text?: string; url?: string } = {}) => {
    const nowMs = Date.parse(`${day}T12:00:00Z`);
    const file = { path: "/t.yaml", text: options.text ?? "groups: []" };
    const env = { ANTHROPIC_API_KEY: "k", ANTHROPIC_BASE_URL: options.url ?? "" };
    const compiled = loadConfiguration({ file, presets, env, simulatorUrl: undefined, prices: testPrices, nowMs });
    if (!compiled.ok) throw new Error("the presets are wrong");
    const snapshot = buildSnapshot(compiled.configuration, [], 1n, { table: testPrices, today: day });
    return { snapshot, endings: compiled.endings };
  };

  test("is served until the day before, told meanwhile, and left out from that day on", () => {
    const before = at("2026-11-29");
    expect(first(before.snapshot, "claude-sonnet-4-5")).toBeDefined();
    expect(before.snapshot.endsOn("claude-sonnet-4-5")).toBe("2026-11-30");
    expect(before.snapshot.endsOn("claude-sonnet-5-5")).toBeUndefined();
    expect(before.endings).toContainEqual({ channel: "anthropic", model: "claude-sonnet-4-5", endsOn: "2026-11-30" });
    const after = at("2026-11-30");
    expect(after.snapshot.modelsOf("default").map(({ name }) => name)).not.toContain("claude-sonnet-4-5");
    expect(after.snapshot.modelsOf("default").map(({ name }) => name)).not.toContain("claude-opus-4-1");
  });

  test("stays at another address than the vendor's own", () => {
    const { snapshot, endings } = at("2027-03-01", { url: "https://proxy.example" });
    expect(first(snapshot, "claude-sonnet-4-5")).toBeDefined();
    expect(endings).toEqual([]);
  });

  test("stays at a channel of the file, which says nothing of its end", () => {
    const text =
      'channels: [{ name: bedrock, adapter: anthropic, base_url: "https://b.example", models: [claude-sonnet-4-5] }]';
    const { snapshot } = at("2027-03-01", { text });
    expect(first(snapshot, "claude-sonnet-4-5")?.member.channel.name).toBe("bedrock");
    expect(snapshot.endsOn("claude-sonnet-4-5")).toBeUndefined();
  });
});

describe('a channel that serves "*"', () => {
  const vllm = { adapter: "openai", baseUrl: "http://vllm/v1" };
  const file = (models: string) => `
strategies: [{ name: own, free: true }, { name: dear, prices: { input: "9" } }]
models: [{ name: house, strategy: dear }]
aliases: { nickname: house }
channels:
  - { name: vllm, adapter: openai, base_url: "http://vllm/v1", models: ${models}, groups: "*" }
`;
  const listings = new Map([
    ["vllm", listing(vllm, "qwen3:8b", "BAAI/bge-m3", "house", "nickname", "gpt-oss:20b", "x-realtime")],
  ]);

  test("serves what its upstream lists, under its names, and nothing before a list was read", () => {
    const text = file('{ "*": { strategy: own } }');
    const snapshot = snapshotOf(text, [], { env: { OPENAI_API_KEY: "k" } }, listings);
    expect(first(snapshot, "qwen3:8b")).toMatchObject({
      upstreamModel: "qwen3:8b",
      price: { strategy: { name: "own" } },
    });
    expect(first(snapshot, "BAAI/bge-m3", "embeddings")?.member.channel.name).toBe("vllm");
    expect(snapshot.models.get("BAAI/bge-m3")).toMatchObject({ module: "embeddings", ownedBy: "BAAI" });
    // Its own name of a pattern of a vendor is not that vendor's.
    expect(snapshot.serving("default", "gpt-oss:20b")?.tiers.flatMap(({ members }) => members)).toHaveLength(1);
    // Known names keep what is known of them; an alias keeps its meaning.
    expect(first(snapshot, "house")?.price.strategy.name).toBe("own");
    expect(first(snapshot, "nickname")?.upstreamModel).toBe("house");
    expect(snapshot.modelsOf("default").some(({ name }) => name === "x-realtime")).toBe(false);
    expect(first(snapshotOf(text), "qwen3:8b")).toBeUndefined();
  });

  test("says the module of what nothing else says, and may stand beside other entries", () => {
    const snapshot = snapshotOf(
      file('[{ name: "*", strategy: own, module: embeddings }, { name: house, strategy: dear }]'),
      [],
      {},
      listings,
    );
    expect(first(snapshot, "qwen3:8b", "embeddings")).toBeDefined();
    expect(first(snapshot, "house")?.price.strategy.name).toBe("dear");
  });

  test.each([
    ['{ "*": { strategy: nobody } }', 'names no strategy: "nobody"'],
    ['{ "*": { space: one } }', 'is not for "*"'],
    ['{ "*": other }', '"*" has no other upstream'],
    ['["*", "*"]', '"*" is there twice'],
    ["{ house: { module: chat } }", 'is for "*"'],
  ])("%s is refused", (models, message) => {
    const compiled = load(file(models));
    expect(compiled.ok ? [] : compiled.problems.map((problem) => problem.message)).toEqual([
      expect.stringContaining(message),
    ]);
  });

  test("what an upstream lists never takes an alias, a control or a name that cannot be priced", () => {
    const name = fc.oneof(
      fc.string({ minLength: 1, maxLength: 12 }),
      fc.constantFrom("nickname", "house", "house-high", "gpt-4o"),
    );
    fc.assert(
      fc.property(fc.array(name, { maxLength: 12 }), (names) => {
        const listed = new Map([["vllm", listing(vllm, ...names)]]);
        const snapshot = snapshotOf(file('["*"]'), [], {}, listed);
        expect(first(snapshot, "nickname")?.upstreamModel ?? "house").toBe("house");
        for (const model of snapshot.modelsOf("default")) {
          for (const { members } of snapshot.serving("default", model.name)?.tiers ?? []) {
            for (const { price } of members) expect(price.prices).toBeDefined();
          }
        }
      }),
      { numRuns: 100 },
    );
  });
});

test("a configuration with lists is stored and read as it is", () => {
  const { channels } = configurationOf("groups: []", { env: { OPENROUTER_API_KEY: "k" } });
  expect(channels[0]?.lists).toMatchObject({ asks: true, all: true, table: "openrouter" });
  expect(JSON.parse(JSON.stringify(channels[0]))).toEqual(channels[0]);
});
