import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { snapshotOf } from "../testing.ts";
import { type HealthView, noHealth } from "./health.ts";
import { noNeeds } from "./needs.ts";
import { resolveRoute } from "./resolve.ts";
import type { Snapshot } from "./snapshot.ts";
import { spaceOf } from "./spaces.ts";

interface Given {
  readonly upstream: string;
  readonly space: string;
  readonly priority: number;
  readonly weight: number;
  readonly enabled: boolean;
}

const given: fc.Arbitrary<Given> = fc.record({
  upstream: fc.constantFrom("e-small", "vendor/e-small", "e-large"),
  space: fc.constantFrom("", "", "s1", "s2"),
  priority: fc.constantFrom(0, 0, 1),
  weight: fc.integer({ min: 0, max: 3 }),
  enabled: fc.boolean(),
});

function snapshotWith(channels: readonly Given[], module: "embeddings" | "chat"): Snapshot {
  const rows = channels.map(({ upstream, space, priority, weight, enabled }, i) => {
    const said = space === "" || module === "chat" ? "" : `, space: ${space}`;
    return `  - { name: c${i}, adapter: openai, base_url: "http://x", priority: ${priority}, weight: ${weight}, enabled: ${enabled}, models: [{ name: e, upstream: ${upstream}${said} }] }`;
  });
  return snapshotOf(`
presets: false
strategies: [{ name: s, prices: { input: "1" } }]
models: [{ name: e, module: ${module}, strategy: s }]
channels:
${rows.join("\n")}
`);
}

describe("embeddings", () => {
  test("are asked of channels of one vector space alone, and of all of those, whatever chance and health say", () => {
    const downs = fc.uniqueArray(fc.nat(5));
    const draws = fc.array(fc.tuple(fc.double({ min: 0, max: 0.999, noNaN: true }), downs, fc.string()), {
      minLength: 2,
      maxLength: 6,
    });
    fc.assert(
      fc.property(fc.array(given, { minLength: 1, maxLength: 6 }), draws, (channels, asked) => {
        const snapshot = snapshotWith(channels, "embeddings");
        const enabled = channels.filter(({ enabled }) => enabled);
        if (enabled.length === 0) return;
        const spaces = new Set<string>();
        for (const [random, down, affinity] of asked) {
          const health: HealthView = {
            ...noHealth,
            anyDown: down.length > 0,
            down: (name) => (down.includes(Number(name.slice(1))) ? "breaker open" : undefined),
          };
          const question = { group: "default", model: "e", module: "embeddings", needs: noNeeds, affinity } as const;
          const route = resolveRoute(question, { snapshot, health, random: () => random, nowMs: 0 });
          const served = route.candidates.map(({ member }) => spaceOf(member.served));
          for (const space of served) spaces.add(space);
          const [space = ""] = served;
          const sameSpace = enabled.filter((one) => (one.space || one.upstream) === space);
          expect(route.candidates).toHaveLength(sameSpace.length);
          const skipped = route.reasons.filter(({ reason }) => reason.startsWith("another vector space"));
          expect(skipped).toHaveLength(enabled.length - sameSpace.length);
        }
        expect(spaces.size).toBe(1);
        const top = Math.max(...enabled.map(({ priority }) => priority));
        const [chosen] = spaces;
        expect(enabled.some((one) => one.priority === top && (one.space || one.upstream) === chosen)).toBe(true);
      }),
      { numRuns: 300 },
    );
  });

  test("of several spaces are told", () => {
    const base = { space: "", priority: 0, weight: 1, enabled: true };
    const channels = [
      { ...base, upstream: "e-small" },
      { ...base, upstream: "vendor/e-small" },
    ];
    expect(snapshotWith(channels, "embeddings").warnings).toEqual([
      expect.stringContaining("channels serve e in several vector spaces (e-small, vendor/e-small)"),
    ]);
    expect(
      snapshotWith(
        channels.map((one) => ({ ...one, space: "small" })),
        "embeddings",
      ).warnings,
    ).toEqual([]);
    expect(snapshotWith(channels, "chat").warnings).toEqual([]);
  });
});

test("what is no embedding fails over to any channel", () => {
  const base = { space: "", priority: 0, weight: 1, enabled: true };
  const snapshot = snapshotWith(
    [
      { ...base, upstream: "a" },
      { ...base, upstream: "b" },
    ],
    "chat",
  );
  const question = { group: "default", model: "e", module: "chat", needs: noNeeds, affinity: "" } as const;
  const route = resolveRoute(question, { snapshot, health: noHealth, random: () => 0.5, nowMs: 0 });
  expect(route.candidates).toHaveLength(2);
});
