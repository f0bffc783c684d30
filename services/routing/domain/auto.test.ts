import { describe, expect, test } from "vitest";
import { snapshotOf } from "../testing.ts";
import { type HealthView, noHealth, type ReportedLine, summarise } from "./health.ts";
import { type Needs, noNeeds } from "./needs.ts";
import { resolveRoute } from "./resolve.ts";
import type { Snapshot } from "./snapshot.ts";

const nowMs = 1_000_000;
const text = `
presets: false
strategies:
  - { name: dear, prices: { input: "10", output: "30" } }
  - { name: middle, prices: { input: "2", output: "8" } }
  - { name: cheap, prices: { input: "0.1", output: "0.4" } }
models:
  - { name: dear, strategy: dear, context_window: 200000, max_output: 8000, capabilities: [tools, vision] }
  - { name: middle, strategy: middle, context_window: 100000, max_output: 4000, capabilities: [tools] }
  - { name: cheap, strategy: cheap, context_window: 4000, max_output: 1000, capabilities: [] }
  - { name: unsaid, strategy: cheap }
  - { name: embed, module: embeddings, strategy: cheap }
  - { name: "auto:cheap", auto: { prefer: cheap, among: [dear, middle, cheap] } }
  - { name: "auto:fast", auto: { prefer: fast, among: [dear, middle, cheap] } }
  - { name: auto, auto: { prefer: balanced, among: [dear, middle, cheap] } }
  - { name: any, auto: { prefer: cheap } }
  - { name: none, auto: { prefer: cheap, among: [unserved] } }
  - { name: unserved, strategy: cheap }
groups: [{ name: vip }]
channels:
  - { name: d, adapter: openai, base_url: "http://x", models: [dear] }
  - { name: m, adapter: openai, base_url: "http://x", models: [middle] }
  - { name: c, adapter: openai, base_url: "http://x", models: [cheap, unsaid, embed] }
  - { name: v, adapter: openai, base_url: "http://x", models: [dear], groups: [vip] }
`;
const snapshot = snapshotOf(text);

const line = (channel: string, more: Partial<ReportedLine>): ReportedLine => ({
  channel,
  reporter: "p",
  attempts: 10,
  failures: 0,
  firstByteMs: 0,
  open: false,
  cooldownUntilMs: 0,
  ...{
    recentAttempts: 0,
    recentFailures: 0,
    lastFailureCode: "",
    lastFailureStatus: 0,
    lastFailureAtMs: 0,
    lastGoodAtMs: 0,
  },
  reportedAtMs: nowMs,
  measuredAtMs: nowMs,
  ...more,
});
const measured = (lines: Record<string, Partial<ReportedLine>>): HealthView =>
  summarise(
    Object.entries(lines).map(([channel, more]) => line(channel, more)),
    nowMs,
  );

function choose(
  model: string,
  {
    needs = {},
    health = noHealth,
    group = "default",
    on = snapshot,
  }: {
    needs?: Partial<Needs>;
    health?: HealthView;
    group?: string;
    on?: Snapshot;
  } = {},
) {
  const question = { group, model, module: "chat" as const, needs: { ...noNeeds, ...needs }, affinity: "" };
  return resolveRoute(question, { snapshot: on, health, random: () => 0.5, nowMs });
}
const chosen = (...args: Parameters<typeof choose>) => choose(...args).model.name;

describe("auto:cheap", () => {
  test("takes the cheapest that can do what is needed", () => {
    expect(chosen("auto:cheap")).toBe("cheap");
    expect(chosen("auto:cheap", { needs: { capabilities: ["tools"] } })).toBe("middle");
    expect(chosen("auto:cheap", { needs: { capabilities: ["tools", "vision"] } })).toBe("dear");
    expect(chosen("auto:cheap", { needs: { inputTokens: 3_500, maxOutputTokens: 600 } })).toBe("middle");
    expect(chosen("auto:cheap", { needs: { maxOutputTokens: 5_000 } })).toBe("dear");
    expect(chosen("auto:cheap", { needs: { inputTokens: 150_000 } })).toBe("dear");
  });

  test("says on the record what it chose and why", () => {
    const { reasons, candidates, model, sameForMs } = choose("auto:cheap");
    // The next request may need another model.
    expect(sameForMs).toBe(0);
    expect(reasons[0]).toMatchObject({
      channel: "c",
      reason: "auto:cheap chose cheap, cheapest of 3; priority 0, weight 1 of 1",
    });
    expect(candidates[0]?.upstreamModel).toBe("cheap");
    expect(model.contextWindowTokens).toBe(4_000);
  });

  test("a model that does not say what it can is chosen for text alone", () => {
    expect(chosen("any", { needs: { inputTokens: 50_000 } })).toBe("unsaid");
    expect(chosen("any", { needs: { inputTokens: 50_000, capabilities: ["tools"] } })).toBe("middle");
  });

  test("leaves what is down while another can, and goes back to it", () => {
    expect(chosen("auto:cheap", { health: measured({ c: { open: true } }) })).toBe("middle");
    expect(
      chosen("auto:cheap", { health: measured({ c: { open: true }, m: { open: true }, d: { open: true } }) }),
    ).toBe("cheap");
    expect(chosen("auto:cheap", { health: measured({ c: { open: false } }) })).toBe("cheap");
  });

  test("a channel that fails is as much dearer", () => {
    // cheap costs a twentieth of middle: it takes failures of more than 19 in 20 to lose.
    expect(chosen("auto:cheap", { health: measured({ c: { attempts: 100, failures: 90 } }) })).toBe("cheap");
    expect(chosen("auto:cheap", { health: measured({ c: { attempts: 100, failures: 97 } }) })).toBe("middle");
  });

  test("uses what the group may use", () => {
    expect(chosen("auto:cheap", { group: "vip" })).toBe("dear");
  });
});

describe("auto:fast", () => {
  test("takes the least time to the first byte; what was not measured counts 500 ms", () => {
    expect(chosen("auto:fast", { health: measured({ d: { firstByteMs: 90 }, m: { firstByteMs: 100 } }) })).toBe("dear");
    expect(chosen("auto:fast", { health: measured({ d: { firstByteMs: 900 }, m: { firstByteMs: 800 } }) })).toBe(
      "cheap",
    );
    expect(
      chosen("auto:fast", {
        health: measured({ d: { firstByteMs: 90, failures: 9 }, m: { firstByteMs: 100 }, c: { firstByteMs: 300 } }),
      }),
    ).toBe("middle");
  });

  test("a measurement is forgotten after ten minutes", () => {
    const old = measured({ d: { firstByteMs: 90, measuredAtMs: nowMs - 600_000 }, m: { firstByteMs: 100 } });
    expect(chosen("auto:fast", { health: old })).toBe("middle");
  });
});

test("balanced takes the best product of price and time", () => {
  expect(chosen("auto")).toBe("cheap");
  // 20 times the price for a hundredth of the time.
  expect(chosen("auto", { health: measured({ c: { firstByteMs: 5_000 }, m: { firstByteMs: 50 } }) })).toBe("middle");
});

test.each([
  ["none", {}, "model_not_supported"],
  ["auto:cheap", { capabilities: ["audio"] }, "invalid_value"],
  ["auto:cheap", { inputTokens: 300_000 }, "context_length_exceeded"],
  ["auto:cheap", { maxOutputTokens: 9_000 }, "invalid_value"],
] as const)("%s with %j is %s", (model, needs, code) => {
  expect(() => choose(model, { needs: needs as Partial<Needs> })).toThrow(expect.objectContaining({ code }));
});

test("a suffix is a control of an auto model too", () => {
  expect(choose("auto:cheap-thinking")).toMatchObject({ control: "thinking", model: { name: "cheap" } });
});

test("a stand-in serves it only while nothing real can", () => {
  const simulatorUrl = "http://127.0.0.1:1";
  const alone = snapshotOf("groups: []", [], { simulatorUrl });
  expect(choose("auto:cheap", { on: alone }).candidates[0]?.member.channel.name).toBe("simulator");
  const real = snapshotOf("groups: []", [], { simulatorUrl, env: { ANTHROPIC_API_KEY: "k" } });
  expect(choose("auto:cheap", { on: real }).candidates[0]?.member.channel.name).toBe("anthropic");
  expect(chosen("throughline/auto", { on: real })).toMatch(/^claude-/);
});
