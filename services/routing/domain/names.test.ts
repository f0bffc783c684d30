import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { controlSuffixes, createNames } from "./names.ts";

const names = (models: string[], aliases: Record<string, string> = {}) =>
  createNames(models, new Map(Object.entries(aliases)));

describe("a name is resolved", () => {
  const known = names(["gpt-5", "gpt-5-high", "qwen-max", "kimi-thinking", "sim-*", "sim-slow-*"], {
    best: "gpt-5",
    deep: "best-high",
    deeper: "deep",
    failing: "sim-status-500",
  });
  test.each([
    ["gpt-5", "gpt-5", "gpt-5", ""],
    // Exact names win over suffixes.
    ["gpt-5-high", "gpt-5-high", "gpt-5-high", ""],
    ["qwen-max", "qwen-max", "qwen-max", ""],
    ["kimi-thinking", "kimi-thinking", "kimi-thinking", ""],
    ["gpt-5-low", "gpt-5", "gpt-5", "low"],
    ["gpt-5-nothinking", "gpt-5", "gpt-5", "nothinking"],
    ["qwen-max-max", "qwen-max", "qwen-max", "max"],
    ["best", "gpt-5", "gpt-5", ""],
    ["best-search", "gpt-5", "gpt-5", "search"],
    // A target is the alias's model with the suffix as a control, though a model of that spelling exists.
    ["deep", "gpt-5", "gpt-5", "high"],
    ["deeper", "gpt-5", "gpt-5", "high"],
    ["sim-status-500", "sim-*", "sim-status-500", ""],
    // The longest pattern wins, and a pattern takes a suffix as part of the name.
    ["sim-slow-high", "sim-slow-*", "sim-slow-high", ""],
    ["failing", "sim-*", "sim-status-500", ""],
    ["failing-low", "sim-*", "sim-status-500", "low"],
    ["gpt-5-high-low", "gpt-5-high", "gpt-5-high", "low"],
  ])("%s", (name, model, concrete, control) => {
    expect(known.resolve(name)).toEqual({ model, concrete, control });
  });

  test.each(["", "gpt", "gpt-5-", "-high", "deep-low", "sim-", "gpt-5-huge", "GPT-5", "__proto__", "constructor"])(
    "%s is not known",
    (name) => {
      expect(known.resolve(name)).toBeUndefined();
    },
  );
});

test("aliases that end in a circle or nowhere are told with their chain, the others resolve", () => {
  const name = fc.integer({ min: 0, max: 12 });
  fc.assert(
    fc.property(
      fc.dictionary(
        name.map((n) => `a${n}`),
        fc.oneof(
          name.map((n) => `a${n}`),
          fc.constant("m"),
        ),
      ),
      (aliases) => {
        const { broken, resolve } = names(["m"], aliases);
        for (const alias of Object.keys(aliases)) {
          // The model: follow at most as many steps as there are aliases.
          let at: string | undefined = alias;
          for (let step = 0; step <= Object.keys(aliases).length && at !== undefined && at !== "m"; step++)
            at = aliases[at];
          const found = broken.find((one) => one.alias === alias);
          if (at === "m") {
            expect(found).toBeUndefined();
            expect(resolve(alias)?.model).toBe("m");
          } else {
            expect(found?.why).toBe(at === undefined ? "unknown" : "circle");
            expect(resolve(alias)).toBeUndefined();
            expect(found?.chain[0]).toBe(alias);
            const chain = found?.chain ?? [];
            if (found?.why === "circle") expect(chain.indexOf(chain.at(-1) ?? "")).toBeLessThan(chain.length - 1);
          }
        }
      },
    ),
    { numRuns: 500 },
  );
});

test("a circle through a suffix is found", () => {
  expect(names([], { a: "b-high", b: "a" }).broken).toMatchObject([
    { alias: "a", why: "circle" },
    { alias: "b", why: "circle" },
  ]);
});

test("resolving never throws, and a control is one of the suffixes", () => {
  const { resolve } = names(["m", "m-high", "p*"], { x: "m" });
  const part = fc.constantFrom("m", "x", "p", "-", "high", "thinking", "none", "*");
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc.array(part).map((parts) => parts.join("")),
      ),
      (name) => {
        const found = resolve(name);
        if (found !== undefined && found.control !== "") expect(controlSuffixes).toContain(found.control);
      },
    ),
  );
});
