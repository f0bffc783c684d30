import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { checkedVerdicts, verdictOf } from "./verdicts.ts";

describe("a verdict", () => {
  test("is flagged as the upstream says, or where a category holds", () => {
    const categories = fc.dictionary(fc.string(), fc.constantFrom(true, false, null));
    fc.assert(
      fc.property(categories, fc.option(fc.boolean(), { nil: undefined }), (given, flagged) => {
        const verdict = verdictOf({ categories: given, flagged });
        expect(verdict?.flagged).toBe(flagged ?? Object.values(given).includes(true));
        expect(verdict?.categories).toEqual(given);
      }),
    );
  });

  test.each<[string, unknown]>([
    ["no object", "flagged"],
    ["nothing", null],
    ["no categories", { flagged: true }],
    ["a category that is no switch", { flagged: true, categories: { hate: "yes" } }],
    ["flagged that is no switch", { flagged: "yes", categories: { hate: true } }],
    ["a score above 1", { categories: {}, category_scores: { hate: 1.5 } }],
    ["a score below 0", { categories: {}, category_scores: { hate: -0.1 } }],
    ["a score that is a text", { categories: {}, category_scores: { hate: "0.1" } }],
  ])("is none: %s", (_name, raw) => {
    expect(verdictOf(raw)).toBeUndefined();
  });

  test("is there for each input, or there is no answer", () => {
    const verdict = verdictOf({ categories: {} });
    fc.assert(
      fc.property(fc.nat({ max: 5 }), fc.nat({ max: 5 }), (got, asked) => {
        const list = Array.from({ length: got }, () => verdict);
        if (got === asked) expect(checkedVerdicts(list, asked)).toHaveLength(asked);
        else expect(() => checkedVerdicts(list, asked)).toThrow(expect.objectContaining({ code: "upstream_error" }));
      }),
    );
    expect(() => checkedVerdicts([verdict, undefined], 2)).toThrow(expect.objectContaining({ code: "upstream_error" }));
  });
});
