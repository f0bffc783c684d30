import { describe, expect, test } from "vitest";
import { Unit } from "../../../shared/units.ts";
import { configurationOf, snapshotOf, testPrices } from "../testing.ts";
import { buildSnapshot } from "./build-snapshot.ts";
import { noHealth } from "./health.ts";
import { noNeeds } from "./needs.ts";
import type { PriceQuestion, PriceTable } from "./price-table.ts";
import { resolveRoute } from "./resolve.ts";
import type { Snapshot } from "./snapshot.ts";

const ground = { health: noHealth, random: () => 0.5, nowMs: 0 };
const route = (snapshot: Snapshot, model: string, nowMs = 0) =>
  resolveRoute(
    { group: "default", model, module: "chat", needs: noNeeds, affinity: "" },
    { ...ground, nowMs, snapshot },
  );
const inputUsd = (snapshot: Snapshot, model: string, nowMs = 0) =>
  route(snapshot, model, nowMs).candidates.map(({ member, price }) => [
    member.channel.name,
    Number(price.prices.inputNanoUsdPerMtok) / 1e9,
  ]);

const today = "2026-11-21";

describe("a model of a pattern without prices of its own", () => {
  const file = `
presets: false
strategies: [{ name: own, prices: { input: "7" } }]
models: [{ name: "gpt-*", owned_by: openai }]
channels:
  - { name: table, adapter: openai, platform: openai, base_url: "https://api.openai.com/v1", models: ["gpt-*"] }
  - { name: router, adapter: openai, platform: openrouter, base_url: "https://openrouter.ai/api/v1", models: { "gpt-*": "openai/gpt-*" }, priority: -1 }
  - { name: ours, adapter: openai, base_url: "http://x", models: [{ name: "gpt-*", strategy: own }], priority: -2 }
`;

  test("costs what the table says of the name that is asked for, at each channel", () => {
    const snapshot = snapshotOf(file);
    expect(inputUsd(snapshot, "gpt-4o")).toEqual([
      ["table", 2.5],
      ["router", 2.5],
      ["ours", 7],
    ]);
    expect(inputUsd(snapshot, "gpt-4o-mini")).toEqual([
      ["table", 0.15],
      ["router", 0.15],
      ["ours", 7],
    ]);
    const [first] = route(snapshot, "gpt-4o").candidates;
    expect(first?.price.strategy.key).toBe("table:openai/gpt-4o");
  });

  test("is not served where the table does not know it, and nowhere free", () => {
    const snapshot = snapshotOf(file);
    const unknown = route(snapshot, "gpt-of-nobody");
    expect(unknown.candidates.map(({ member }) => member.channel.name)).toEqual(["ours"]);
    expect(unknown.reasons.filter(({ chosen }) => !chosen)).toEqual([
      { channel: "router", reason: "no price", chosen: false },
      { channel: "table", reason: "no price", chosen: false },
    ]);
    const alone = snapshotOf(file.replace(/ {2}- \{ name: ours.*\n/, ""));
    expect(() => route(alone, "gpt-of-nobody")).toThrow("does not exist or is not available");
    expect(() => route(alone, `gpt-${"x".repeat(5_000)}`)).toThrow("does not exist or is not available");
  });

  test("is looked up once, and equal requests get the very same objects", () => {
    let asked = 0;
    const counting: PriceTable = {
      find(question: PriceQuestion) {
        asked++;
        return testPrices.find(question);
      },
      list: (provider) => testPrices.list(provider),
    };
    const configuration = configurationOf(file);
    const snapshot = buildSnapshot(configuration, [], 1n, { table: counting, today });
    const first = route(snapshot, "gpt-4o").candidates;
    const before = asked;
    for (let i = 0; i < 20; i++) {
      for (const [n, { price, member }] of route(snapshot, "gpt-4o").candidates.entries()) {
        expect(price).toBe(first[n]?.price);
        expect(member).toBe(first[n]?.member);
      }
    }
    expect(asked).toBe(before);
    // Clients choose the names: what is kept of them has a bound.
    for (let i = 0; i < 1_100; i++) route(snapshot, `gpt-${i}`);
    asked = 0;
    route(snapshot, "gpt-4o");
    expect(asked).toBeGreaterThan(0);
  });
});

test("prices that are left out of a model of a pattern are told once, when it is first asked for", () => {
  const configuration = configurationOf(`
presets: false
models: [{ name: "sonar-*", owned_by: perplexity }]
channels: [{ name: c, adapter: openai, base_url: "https://api.perplexity.ai", models: ["sonar-*"] }]
`);
  const warned: string[] = [];
  const snapshot = buildSnapshot(configuration, [], 1n, {
    table: testPrices,
    today,
    warn: (text) => warned.push(text),
  });
  route(snapshot, "sonar-pro");
  expect(warned).toEqual([]);
  for (let i = 0; i < 20; i++) route(snapshot, i % 2 === 0 ? "sonar-deep-research" : "sonar-pro");
  expect(warned).toEqual([
    "price of perplexity/sonar-deep-research from the table: output_citation_mtok is left out: citations are counted with the output",
  ]);
});

test("a channel that was entered at run time before rates were known has those of the table", () => {
  const configuration = configurationOf("groups: []", { env: { GEMINI_API_KEY: "k" } });
  const [gemini] = configuration.channels;
  if (gemini === undefined) throw new Error("no channel");
  const models = gemini.models.filter(({ model }) => model === "gemini-2.5-flash");
  const key = models[0]?.tableKey;
  const stored = configuration.strategies.filter((strategy) => strategy.key === key);
  const old = stored.map(({ prices, ...strategy }) => {
    const { rates: _, ...flat } = prices ?? {};
    return { ...strategy, prices: flat as NonNullable<typeof prices> };
  });
  const bare = configurationOf("groups: []");
  const snapshot = buildSnapshot(bare, [{ channel: { ...gemini, models }, strategies: old }], 1n, {
    table: testPrices,
    today,
  });
  const [candidate] = route(snapshot, "gemini-2.5-flash").candidates;
  expect(candidate?.price.prices.rates).toContainEqual({ unit: Unit.INPUT_AUDIO_TOKENS, nanoUsd: 1_000_000_000n });
});

test("prices that change with the hour are those of the arrival, one object for each part of the day", () => {
  const snapshot = snapshotOf(`
presets: false
strategies: [{ name: s, prices: { input: "2" }, when: [{ utc: "16:30-00:30", input: "1" }] }]
models: [{ name: m, strategy: s }]
channels: [{ name: c, adapter: openai, base_url: "http://x", models: [m] }]
`);
  const at = (hour: number, minute: number) => Date.UTC(2026, 10, 29, hour, minute);
  expect([at(0, 29), at(0, 30), at(16, 29), at(16, 30)].map((nowMs) => inputUsd(snapshot, "m", nowMs))).toEqual(
    [1, 2, 2, 1].map((usd) => [["c", usd]]),
  );
  const price = (nowMs: number) => route(snapshot, "m", nowMs).candidates[0]?.price;
  expect(price(at(3, 0))).toBe(price(at(4, 0) + 86_400_000));
});
