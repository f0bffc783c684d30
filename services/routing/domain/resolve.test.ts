import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { configurationOf, snapshotOf, testPrices } from "../testing.ts";
import { buildSnapshot } from "./build-snapshot.ts";
import { type HealthView, noHealth, type ReportedLine, summarise } from "./health.ts";
import { noNeeds } from "./needs.ts";
import { maxCandidates, type RouteQuestion, resolveRoute } from "./resolve.ts";
import type { Snapshot } from "./snapshot.ts";

const nowMs = 1_000_000;
const line = (channel: string, more: Partial<ReportedLine> = {}): ReportedLine => ({
  channel,
  reporter: "p",
  attempts: 0,
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

function ask(snapshot: Snapshot, question: Partial<RouteQuestion>, health: HealthView = noHealth, random = () => 0.5) {
  const whole: RouteQuestion = {
    group: "default",
    model: "gpt-4o",
    module: "chat",
    needs: noNeeds,
    affinity: "",
    ...question,
  };
  return resolveRoute(whole, { snapshot, health, random, nowMs });
}
const channelsOf = (route: ReturnType<typeof ask>) => route.candidates.map(({ member }) => member.channel.name);
const channel = (name: string, rest = "models: [gpt-4o]") =>
  `  - { name: ${name}, adapter: openai, base_url: "http://x", ${rest} }`;
const channels = (...lines: string[]) => ["channels:", ...lines].join("\n");

describe("candidates", () => {
  test("come by priority, then all of it before the next; reasons say so", () => {
    const snapshot = snapshotOf(
      channels(
        channel("low", "models: [gpt-4o], priority: -1"),
        channel("a", "models: [gpt-4o], priority: 5, weight: 3"),
        channel("b", "models: [gpt-4o], priority: 5"),
        channel("other", "models: [gpt-4o], groups: [default], enabled: false"),
      ),
    );
    const route = ask(snapshot, {});
    expect(channelsOf(route).at(-1)).toBe("low");
    expect(channelsOf(route).slice(0, 2).sort()).toEqual(["a", "b"]);
    expect(route.reasons).toContainEqual({ channel: "a", reason: "priority 5, weight 3 of 4", chosen: true });
    expect(route.reasons).toContainEqual({ channel: "other", reason: "disabled", chosen: false });
  });

  test("are at most eight, and of many skipped channels few are named", () => {
    const snapshot = snapshotOf(channels(...Array.from({ length: 40 }, (_, i) => channel(`c${i}`))));
    const route = ask(snapshot, {});
    expect(route.candidates).toHaveLength(maxCandidates);
    expect(route.reasons.at(-1)).toEqual({ channel: "", reason: "32 more channels further down", chosen: false });
    expect(route.reasons.length).toBeLessThan(20);
  });

  test("carry what a pattern stands for", () => {
    const text = `
strategies: [{ name: s, free: true }]
models: [{ name: "lab/*", strategy: s }]
${channels(channel("strip", 'models: { "lab/*": "*" }'), channel("keep", 'models: ["lab/*"], priority: -1'), channel("fixed", 'models: { "lab/*": one }, priority: -2'))}`;
    const route = ask(snapshotOf(text), { model: "lab/$&llama" });
    expect(route.candidates.map(({ upstreamModel }) => upstreamModel)).toEqual(["$&llama", "lab/$&llama", "one"]);
    expect(route.model.name).toBe("lab/*");
  });

  test("follow a channel's own mapping to its end", () => {
    const snapshot = snapshotOf(channels(channel("a", "models: { gpt-4o: gpt-4, gpt-4: real-name }")));
    expect(ask(snapshot, {}).candidates[0]?.upstreamModel).toBe("real-name");
  });

  test("of an affinity key are always the same, those of chance are not", () => {
    const snapshot = snapshotOf(channels(...Array.from({ length: 6 }, (_, i) => channel(`c${i}`))));
    const orders = (affinity: string) =>
      new Set(Array.from({ length: 50 }, () => channelsOf(ask(snapshot, { affinity }, noHealth, Math.random)).join()));
    expect(orders("user-1").size).toBe(1);
    expect(orders("").size).toBeGreaterThan(10);
    const firsts = Array.from({ length: 100 }, (_, i) => channelsOf(ask(snapshot, { affinity: `user-${i}` }))[0]);
    expect(new Set(firsts).size).toBe(6);
    expect(ask(snapshot, { affinity: "user-1" }).reasons[0]?.reason).toBe("priority 0, weight 1 of 6, by affinity");
  });
});

describe("health", () => {
  const snapshot = snapshotOf(
    channels(
      channel("a", "models: [gpt-4o], priority: 2"),
      channel("b", "models: [gpt-4o], priority: 1"),
      channel("c"),
    ),
  );

  test("what is down goes last, in its order, and never away", () => {
    const health = summarise([line("a", { open: true }), line("b", { cooldownUntilMs: nowMs + 1 })], nowMs);
    const route = ask(snapshot, {}, health);
    expect(channelsOf(route)).toEqual(["c", "a", "b"]);
    expect(route.reasons.map(({ reason }) => reason)).toEqual([
      "priority 0, weight 1 of 1",
      "breaker open, tried last; priority 2, weight 1 of 1",
      "cooling down, tried last; priority 1, weight 1 of 1",
    ]);
    const all = summarise(
      ["a", "b", "c"].map((name) => line(name, { open: true })),
      nowMs,
    );
    expect(channelsOf(ask(snapshot, {}, all))).toEqual(["a", "b", "c"]);
  });

  test("a cooldown ends by itself, a report is forgotten after a minute", () => {
    expect(channelsOf(ask(snapshot, {}, summarise([line("a", { cooldownUntilMs: nowMs })], nowMs)))[0]).toBe("a");
    const old = summarise([line("a", { open: true, reportedAtMs: nowMs - 60_000 })], nowMs);
    expect(channelsOf(ask(snapshot, {}, old))[0]).toBe("a");
  });

  test("one replica of three does not turn everybody's traffic, two do", () => {
    const say = (opens: boolean[]) =>
      summarise(
        opens.map((open, i) => line("a", { open, reporter: `p${i}` })),
        nowMs,
      );
    expect(channelsOf(ask(snapshot, {}, say([true, false, false])))[0]).toBe("a");
    expect(channelsOf(ask(snapshot, {}, say([true, true, false])))[0]).toBe("b");
  });

  test("whatever is down, the candidates are the same channels", () => {
    const states = fc.record({ open: fc.boolean(), cooldownUntilMs: fc.constantFrom(0, nowMs - 1, nowMs + 5_000) });
    fc.assert(
      fc.property(states, states, states, (a, b, c) => {
        const health = summarise([line("a", a), line("b", b), line("c", c)], nowMs);
        const found = channelsOf(ask(snapshot, {}, health));
        expect([...found].sort()).toEqual(["a", "b", "c"]);
        const down = found.map((name) => health.down(name, nowMs) !== undefined);
        expect(down).toEqual([...down].sort());
      }),
    );
  });
});

describe("groups", () => {
  const text = `
groups: [{ name: vip, ratio: "0.5" }]
${channels(channel("all", 'models: [gpt-4o], groups: "*"'), channel("vip-only", "models: [gpt-4o, gpt-4], groups: [vip]"))}`;
  const snapshot = snapshotOf(text);

  test("see their own channels and models, at their own ratio", () => {
    expect(channelsOf(ask(snapshot, {}))).toEqual(["all"]);
    expect(ask(snapshot, {}).reasons).toContainEqual({ channel: "vip-only", reason: "wrong group", chosen: false });
    expect(channelsOf(ask(snapshot, { group: "vip" })).sort()).toEqual(["all", "vip-only"]);
    expect(ask(snapshot, { group: "vip" }).candidates[0]?.member.price.ratioPpm).toBe(500_000);
    expect(snapshot.modelsOf("default").map(({ name }) => name)).toContain("gpt-4o");
    expect(snapshot.modelsOf("default").map(({ name }) => name)).not.toContain("gpt-4");
    expect(snapshot.modelsOf("vip").map(({ name }) => name)).toContain("gpt-4");
  });

  test.each([
    [{ model: "gpt-4" }, "model_not_supported"],
    [{ model: "nonesuch" }, "model_not_supported"],
    [{ model: "" }, "model_not_supported"],
    [{ model: "__proto__" }, "model_not_supported"],
    [{ group: "nobody" }, "model_not_supported"],
    [{ module: "embeddings" as const }, "model_not_supported"],
  ])("%j is %s", (question, code) => {
    expect(() => ask(snapshot, question)).toThrow(expect.objectContaining({ code, param: "model" }));
  });
});

interface Alike {
  readonly affinity?: string;
  /** A channel that is down. */
  readonly down?: string;
}

test.each<[string, string[], Alike, boolean]>([
  ["one channel", [channel("a")], {}, true],
  ["one channel of each priority", [channel("a"), channel("b", "models: [gpt-4o], priority: 5")], {}, true],
  ["one that may, one that may not", [channel("a"), channel("b", "models: [gpt-4o], enabled: false")], {}, true],
  ["two that share the traffic", [channel("a"), channel("b")], {}, false],
  ["an affinity key", [channel("a")], { affinity: "k" }, false],
  ["one that is down", [channel("a"), channel("b", "models: [gpt-4o], priority: 5")], { down: "a" }, false],
  ["one of another model that is down", [channel("a"), channel("b", "models: [gpt-4]")], { down: "b" }, false],
])("all who ask alike may take the same route: %s", (_what, lines, { affinity = "", down = "" }, same) => {
  const health = down === "" ? noHealth : summarise([line(down, { open: true })], nowMs);
  const { sameForMs } = ask(snapshotOf(channels(...lines)), { affinity }, health);
  expect(sameForMs > 0).toBe(same);
});

test("a model whose channels are all disabled is out of service, not unknown", () => {
  const snapshot = snapshotOf(channels(channel("a", "models: [gpt-4o], enabled: false")));
  expect(() => ask(snapshot, {})).toThrow(expect.objectContaining({ code: "service_unavailable" }));
});

test.each([
  [["vision"], "messages"],
  [["tools", "structured_output"], "response_format"],
  [["audio"], "messages"],
] as const)(
  "a need that the model is known not to meet (%j) is refused at %s; an unknown one is let through",
  (needed, param) => {
    const text = `
strategies: [{ name: s, free: true }]
models:
  - { name: plain, strategy: s, capabilities: [tools] }
  - { name: unsaid, strategy: s }
${channels(channel("a", "models: [plain, unsaid]"))}`;
    const needs = { ...noNeeds, capabilities: [...needed] };
    expect(() => ask(snapshotOf(text), { model: "plain", needs })).toThrow(
      expect.objectContaining({ code: "invalid_value", param }),
    );
    expect(ask(snapshotOf(text), { model: "unsaid", needs }).candidates).toHaveLength(1);
  },
);

const ground = { table: testPrices, today: "2026-11-21" };

describe("a stand-in", () => {
  const simulatorUrl = "http://127.0.0.1:1";
  const real = channels(channel("real", 'models: [gpt-4o], groups: "*"'));

  test("lends the usual names, at no price, while it is alone; its own it serves always", () => {
    const alone = snapshotOf("groups: []", [], { simulatorUrl });
    const [lent] = ask(alone, { model: "claude-sonnet-4-6" }).candidates;
    expect(lent?.member.channel.name).toBe("simulator");
    expect(lent?.price.strategy).toMatchObject({ origin: "free", name: "simulated" });
    const snapshot = snapshotOf(real, [], { simulatorUrl });
    expect(channelsOf(ask(snapshot, {}))).toEqual(["real"]);
    // Another vendor's model is not answered by what nobody thought.
    expect(() => ask(snapshot, { model: "claude-sonnet-4-6" })).toThrow(
      expect.objectContaining({ code: "model_not_supported" }),
    );
    for (const on of [alone, snapshot]) {
      const [own] = ask(on, { model: "sim-anything" }).candidates;
      expect([own?.member.channel.name, own?.price.strategy.origin]).toEqual(["simulator", "strategy"]);
    }
    expect(snapshot.modelsOf("default").map(({ name }) => name)).not.toContain("claude-sonnet-4-6");
  });

  test("comes back when the other channel is disabled", () => {
    const snapshot = snapshotOf(real.replace("models:", "enabled: false, models:"), [], { simulatorUrl });
    expect(channelsOf(ask(snapshot, {}))).toEqual(["simulator"]);
  });

  test("gives way to one entered at run time", () => {
    const configuration = configurationOf("groups: []", { simulatorUrl });
    const [simulator] = configuration.channels;
    if (simulator === undefined) throw new Error("no simulator");
    const models = simulator.models.filter(({ model }) => model === "gpt-4o");
    const extra = { ...simulator, name: "extra", standIn: false, models };
    const snapshot = buildSnapshot(configuration, [{ channel: extra, strategies: [] }], 2n, ground);
    expect(channelsOf(ask(snapshot, {}))).toEqual(["extra"]);
  });
});

describe("a channel entered at run time", () => {
  const configuration = configurationOf(channels(channel("a")));
  const [first] = configuration.channels;
  if (first === undefined) throw new Error("no channel");

  test("is hidden by one of the file, and loses what the file no longer has, with a warning each", () => {
    const gone = { model: "gone", upstreamModel: "gone", strategy: "", tableKey: "" };
    const snapshot = buildSnapshot(
      configuration,
      [
        { channel: { ...first, weight: 9 }, strategies: [] },
        { channel: { ...first, name: "b", models: [...first.models, gone] }, strategies: [] },
      ],
      2n,
      ground,
    );
    expect(channelsOf(ask(snapshot, {})).sort()).toEqual(["a", "b"]);
    expect(snapshot.channels.find(({ name }) => name === "a")?.weight).toBe(1);
    expect(snapshot.warnings).toHaveLength(2);
  });
});
