import { expect, test } from "vitest";
import { configurationOf, problemsOf, snapshotOf, testPrices } from "../testing.ts";
import { buildSnapshot } from "./build-snapshot.ts";
import { noHealth } from "./health.ts";
import { noNeeds } from "./needs.ts";
import { resolveRoute } from "./resolve.ts";

const file = `
presets: false
groups: [{ name: half, ratio: 0.5 }]
strategies:
  - { name: dearer, prices: { input: "7" } }
  - { name: vendors-own, prices: { input: "3" }, list: true }
  - { name: resold, prices: { input: "4" }, list: vendors-own }
  - { name: gift, free: true }
  - { name: by-night, prices: { input: "4" }, list: vendors-own, when: [{ utc: "00:00-06:00", input: "1" }] }
models:
  - { name: gpt-4o, owned_by: openai }
  - { name: house/one, strategy: vendors-own }
  - { name: house/two, strategy: resold }
  - { name: house/three, strategy: dearer }
  - { name: house/four, strategy: by-night }
channels:
  - { name: table, adapter: openai, platform: openai, base_url: "https://api.openai.com/v1", groups: "*", models: [gpt-4o], priority: 3 }
  - { name: dear, adapter: openai, platform: openai, base_url: "https://api.openai.com/v1", models: [{ name: gpt-4o, strategy: dearer }], priority: 2 }
  - { name: given, adapter: openai, platform: openai, base_url: "https://api.openai.com/v1", models: [{ name: gpt-4o, strategy: gift }], priority: 1 }
  - { name: house, adapter: openai, base_url: "http://x", models: [house/one, house/two, house/three, house/four] }
`;

const inputUsd = (prices: { readonly inputNanoUsdPerMtok: bigint } | undefined) =>
  prices && Number(prices.inputNanoUsdPerMtok) / 1e9;

/** What each channel is paid for input, and what the vendor's list says. */
function pricesOf(model: string, { group = "default", nowMs = 12 * 3_600_000 } = {}) {
  const ground = { snapshot: snapshotOf(file), health: noHealth, random: () => 0.5, nowMs };
  const { candidates } = resolveRoute({ group, model, module: "chat", needs: noNeeds, affinity: "" }, ground);
  return candidates.map(({ member, price }) => [member.channel.name, inputUsd(price.prices), inputUsd(price.list)]);
}

test("the vendor's list price stands beside what is paid, wherever it is known", () => {
  expect(pricesOf("gpt-4o")).toEqual([
    ["table", 2.5, 2.5],
    ["dear", 7, 2.5],
    ["given", 0, 2.5],
  ]);
  expect(pricesOf("house/one")).toEqual([["house", 3, 3]]);
  expect(pricesOf("house/two")).toEqual([["house", 4, 3]]);
  // Nobody's vendor is guessed, and what is not known is not zero.
  expect(pricesOf("house/three")).toEqual([["house", 7, undefined]]);
});

test("the ratio of a group and the hours of a price are no matter of the list", () => {
  expect(pricesOf("gpt-4o", { group: "half" })).toEqual([["table", 2.5, 2.5]]);
  expect(pricesOf("house/four", { nowMs: 3_600_000 })).toEqual([["house", 1, 3]]);
  expect(pricesOf("house/four")).toEqual([["house", 4, 3]]);
});

test("a route whose price changes with the hour is each request's own, for the price is that of its arrival", () => {
  const ground = { snapshot: snapshotOf(file), health: noHealth, random: () => 0.5, nowMs: 3_599_999 };
  const routeTo = (model: string) =>
    resolveRoute({ group: "default", model, module: "chat", needs: noNeeds, affinity: "" }, ground);
  expect([routeTo("house/four").sameForMs, routeTo("house/two").sameForMs]).toEqual([0, 100]);
});

test("an answer that is simulated has no vendor, hence no list", () => {
  const configuration = configurationOf("presets: true", { simulatorUrl: "http://127.0.0.1:1" });
  const snapshot = buildSnapshot(configuration, [], 1n, { table: testPrices, today: "2026-11-21" });
  const question = { group: "default", model: "gpt-4o", module: "chat", needs: noNeeds, affinity: "" } as const;
  const [candidate] = resolveRoute(question, { snapshot, health: noHealth, random: () => 0.5, nowMs: 0 }).candidates;
  expect(candidate?.member.channel.name).toBe("simulator");
  expect(candidate?.price.list).toBeUndefined();
});

test.each([
  [
    "a strategy that there is not",
    '{ name: a, prices: { input: "1" }, list: nobody }',
    "names no strategy with prices",
  ],
  [
    "a strategy without prices",
    '{ name: a, prices: { input: "1" }, list: b }, { name: b, free: true }',
    "names no strategy with prices",
  ],
  ["the own prices of what is free", "{ name: a, free: true, list: true }", "must name a strategy"],
  ["what the table prices", "{ name: a, list: true }", "must stand beside prices"],
])("a list is not %s", (_what, strategies, problem) => {
  expect(problemsOf(`presets: false\nstrategies: [${strategies}]`).join("\n")).toContain(problem);
});
