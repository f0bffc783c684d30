import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { configurationOf, problemsOf, snapshotOf } from "../testing.ts";
import { noHealth } from "./health.ts";
import { noNeeds } from "./needs.ts";
import { resolveRoute } from "./resolve.ts";
import type { Snapshot } from "./snapshot.ts";
import type { Channel, RuntimeChannel } from "./types.ts";

const file = `
presets: false
strategies: [{ name: s, prices: { input: "1", output: "2" } }]
models:
  - { name: "ev-*", strategy: s, owned_by: them }
  - { name: "ev-mini-*", strategy: s }
  - { name: ev-exact, strategy: s }
  - { name: other, strategy: s }
aliases: { ev-best: other }
channels:
  - { name: wide, adapter: openai, base_url: "http://wide/v1", models: { "ev-*": "them/*" } }
  - { name: narrow, adapter: openai, base_url: "http://narrow/v1", models: ["ev-mini-*", ev-exact, other] }
`;

/** A channel entered at run time, as PutChannel stores it. */
function runtime(name: string, ...models: string[]): RuntimeChannel {
  const template = configurationOf(file).channels[0] as Channel;
  const served = models.map((model) => ({ model, upstreamModel: model, strategy: "", tableKey: "" }));
  return { channel: { ...template, name, baseUrl: `http://${name}/v1`, models: served }, strategies: [] };
}

/** Channels that serve a name, each with the name that it is sent. */
function served(snapshot: Snapshot, model: string): string[] {
  const question = { group: "default", model, module: "chat", needs: noNeeds, affinity: "" } as const;
  const route = resolveRoute(question, { snapshot, health: noHealth, random: () => 0.5, nowMs: 0 });
  return route.candidates.map(({ member, upstreamModel }) => `${member.channel.name}:${upstreamModel}`).toSorted();
}

describe("a model that only a pattern stands for", () => {
  test("is served by who names it and by who serves the pattern, each with the right name", () => {
    const snapshot = snapshotOf(file, [runtime("extra", "ev-new"), runtime("mini", "ev-mini-2")]);
    expect(served(snapshot, "ev-new")).toEqual(["extra:ev-new", "wide:them/new"]);
    expect(served(snapshot, "ev-new-high")).toEqual(["extra:ev-new", "wide:them/new"]);
    expect(served(snapshot, "ev-mini-2")).toEqual(["mini:ev-mini-2", "narrow:ev-mini-2"]);
    expect(served(snapshot, "ev-else")).toEqual(["wide:them/else"]);
  });

  test("may be a narrower pattern", () => {
    const snapshot = snapshotOf(file, [runtime("extra", "ev-next-*"), runtime("more", "ev-next-1")]);
    expect(served(snapshot, "ev-next-7")).toEqual(["extra:ev-next-7", "wide:them/next-7"]);
    expect(served(snapshot, "ev-next-1")).toHaveLength(3);
  });

  test("takes the place of no alias, no model and no suffix", () => {
    const snapshot = snapshotOf(file, [runtime("extra", "ev-best", "ev-exact", "ev-exact-high", "nonesuch")]);
    expect(served(snapshot, "ev-best")).toEqual(["narrow:other"]);
    expect(served(snapshot, "ev-exact-high")).toEqual(["extra:ev-exact", "narrow:ev-exact"]);
    expect(snapshot.warnings.filter((text) => /ev-best|ev-exact-high|nonesuch/.test(text))).toHaveLength(3);
  });

  test("is taken in a channel of the file too; what no pattern stands for is not", () => {
    const channel = (model: string) =>
      `${file}  - { name: x, adapter: openai, base_url: "http://x", models: [${model}] }\n`;
    expect(problemsOf(channel("ev-new"))).toEqual([]);
    for (const model of ["ew-new", "ev-best", "ev-"]) {
      expect(problemsOf(channel(model))).toEqual([expect.stringContaining(`names no model: "${model}"`)]);
    }
  });

  test("is priced under its own name where the pattern's strategy leaves prices to the table", () => {
    const text = `
presets: false
strategies: [{ name: listed }, { name: mine, prices: { input: "9", output: "9" } }]
models: [{ name: "gpt-4*", strategy: listed, owned_by: openai }]
channels:
  - { name: x, adapter: openai, base_url: "https://api.openai.com/v1", models: [gpt-4o, gpt-4.1] }
  - { name: y, adapter: openai, base_url: "http://y", models: [{ name: "gpt-4*", strategy: mine }] }
`;
    const snapshot = snapshotOf(text);
    const priceOf = (model: string, channel: string) =>
      snapshot.serving("default", model)?.tiers[0]?.members.find((member) => member.channel.name === channel)?.price;
    expect(priceOf("gpt-4o", "x")?.prices.inputNanoUsdPerMtok).toBe(2_500_000_000n);
    expect(priceOf("gpt-4.1", "x")?.prices.inputNanoUsdPerMtok).toBe(2_000_000_000n);
    expect(priceOf("gpt-4o", "y")?.prices.inputNanoUsdPerMtok).toBe(9_000_000_000n);
  });

  test("is no other model than before to anybody who serves it already", () => {
    const name = fc.stringMatching(/^ev-[a-z0-9]{1,6}$/).filter((text) => !["ev-exact", "ev-best"].includes(text));
    fc.assert(
      fc.property(name, name, (named, asked) => {
        const before = served(snapshotOf(file), asked);
        const after = served(snapshotOf(file, [runtime("extra", named)]), asked);
        expect(after.filter((text) => !text.startsWith("extra:"))).toEqual(before);
        expect(after.some((text) => text.startsWith("extra:"))).toBe(named === asked);
      }),
      { numRuns: 50 },
    );
  });
});
