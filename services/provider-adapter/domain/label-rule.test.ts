import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { anyLabel, createLabelFit, type LabelRule } from "./label-rule.ts";

const rules: readonly (readonly [string, LabelRule, RegExp])[] = [
  ["OpenAI's names", { ...anyLabel, maxLength: 64, characters: "a-zA-Z0-9_-" }, /^[a-zA-Z0-9_-]{1,64}$/],
  ["OpenAI's IDs", { ...anyLabel, maxLength: 40 }, /^[\s\S]{1,40}$/],
  ["Mistral's IDs", { ...anyLabel, maxLength: 9, minLength: 9, characters: "a-zA-Z0-9" }, /^[a-zA-Z0-9]{9}$/],
  [
    "Google's names",
    { ...anyLabel, maxLength: 64, characters: "a-zA-Z0-9_.-", first: "a-zA-Z_" },
    /^[a-zA-Z_][a-zA-Z0-9_.-]{0,63}$/,
  ],
  ["Anthropic's IDs", { ...anyLabel, minLength: 1, characters: "a-zA-Z0-9_-" }, /^[a-zA-Z0-9_-]+$/],
];

const label = fc.oneof(
  fc.string({ minLength: 1, maxLength: 200 }),
  fc.stringMatching(/^[a-zA-Z0-9_.:-]{1,120}$/),
  fc.constantFrom("toolu_01A2b3C4d5", "functions.bash:0", "a b", "1st", "é"),
);

describe.each(rules)("%s", (_name, rule, pattern) => {
  const fit = createLabelFit(rule);

  test("whatever the label, what is sent is taken; what fits stays", () => {
    fc.assert(
      fc.property(label, (given) => {
        const fitted = fit.fitted(given);
        expect(fitted).toMatch(pattern);
        expect(fit.fits(given)).toBe(pattern.test(given));
        if (pattern.test(given)) expect(fitted).toBe(given);
        // The same in every turn of a conversation, and once more.
        expect(fit.fitted(given)).toBe(fitted);
        expect(fit.fitted(fitted)).toBe(fitted);
      }),
    );
  });

  test("two labels stay two", () => {
    fc.assert(
      fc.property(fc.uniqueArray(label, { maxLength: 30 }), (labels) => {
        expect(new Set(labels.map(fit.fitted)).size).toBe(labels.length);
      }),
    );
  });
});

test("a rule without bounds takes all", () => {
  expect(createLabelFit(anyLabel)).toMatchObject({ takesAll: true });
  expect(createLabelFit(anyLabel).fitted("any \u{1f600}")).toBe("any \u{1f600}");
});
