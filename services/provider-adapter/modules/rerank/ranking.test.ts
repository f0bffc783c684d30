import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { bestOf, readRanking } from "./ranking.ts";

const scores = fc.array(fc.double({ noNaN: true, noDefaultInfinity: true }), { minLength: 1, maxLength: 50 });

describe("the best of a ranking", () => {
  test("is a part of it, in the order of relevance, whatever the order was", () => {
    fc.assert(
      fc.property(scores, fc.integer({ min: 1, max: 60 }), fc.infiniteStream(fc.nat()), (given, topN, chance) => {
        const results = given.map((score, index) => ({ index, score }));
        const shuffled = results
          .map((one) => ({ one, at: chance.next().value ?? 0 }))
          .sort((a, b) => a.at - b.at)
          .map(({ one }) => one);
        const best = bestOf(shuffled, given.length, topN);
        expect(best).toHaveLength(Math.min(topN, given.length));
        for (const [place, one] of best.entries()) {
          expect(one.score).toBe(given[one.index]);
          const next = best[place + 1];
          if (next !== undefined) expect(one.score).toBeGreaterThanOrEqual(next.score);
        }
        const worst = best.at(-1)?.score ?? 0;
        const left = results.filter(({ index }) => !best.some((one) => one.index === index));
        for (const { score } of left) expect(score).toBeLessThanOrEqual(worst);
        // The order of the upstream decides nothing.
        expect(best).toEqual(bestOf(results, given.length, topN));
      }),
    );
  });

  test("of a ranking with one wrong place there is none", () => {
    const wrong = fc.oneof(
      fc.record({ index: fc.integer({ min: 50 }), score: fc.constant(0.5) }),
      fc.record({ index: fc.integer({ max: -1 }), score: fc.constant(0.5) }),
      fc.record({ index: fc.constant(0.5), score: fc.constant(0.5) }),
      fc.record({ index: fc.constant(0), score: fc.constant(0.5) }),
      fc.record({ index: fc.constant(49), score: fc.constantFrom(Number.NaN, Infinity, -Infinity) }),
    );
    fc.assert(
      fc.property(scores, wrong, (given, one) => {
        const results = given.slice(0, 49).map((score, index) => ({ index, score }));
        expect(() => bestOf([...results, one], 50, 1)).toThrow(expect.objectContaining({ code: "upstream_error" }));
      }),
    );
  });
});

describe("an answer", () => {
  const results = [{ index: 0, relevance_score: 0.5 }];
  const plain = { model: "", id: undefined, tokens: undefined, searches: undefined, costNanoUsd: undefined };
  test.each<[string, unknown, object | undefined]>([
    ["Cohere", { id: "c", results, meta: { billed_units: { search_units: 2 } } }, { id: "c", searches: 2 }],
    [
      "Cohere, which counts tokens too",
      { results, meta: { billed_units: { search_units: 2 }, tokens: { input_tokens: 9 } } },
      { searches: 2, tokens: 9 },
    ],
    ["Jina", { model: "j", results, usage: { total_tokens: 9 } }, { model: "j", tokens: 9 }],
    ["Voyage", { object: "list", data: results, model: "v", usage: { total_tokens: 9 } }, { model: "v", tokens: 9 }],
    ["Infinity", { results, usage: { prompt_tokens: 9, total_tokens: 10 } }, { tokens: 10 }],
    ["text-embeddings-inference", [{ index: 0, score: 0.5 }], {}],
    [
      "OpenRouter",
      { results, usage: { cost: 0.002, search_units: 1, total_tokens: 9 } },
      { tokens: 9, searches: 1, costNanoUsd: 2_000_000n },
    ],
    ["a count of nothing", { results, usage: { total_tokens: 0 } }, {}],
    ["searches of nothing", { results, meta: { billed_units: { search_units: 0 } } }, {}],
    ["counts that are none", { results, usage: { total_tokens: -1, search_units: 0.5, cost: "much" } }, {}],
    ["no ranking", { object: "list" }, undefined],
    ["no JSON", undefined, undefined],
    ["a text", "sorry", undefined],
  ])("of %s", (_name, json, known) => {
    const expected = known === undefined ? undefined : { ...plain, ...known, results: [{ index: 0, score: 0.5 }] };
    expect(readRanking(json)).toEqual(expected);
  });
});
