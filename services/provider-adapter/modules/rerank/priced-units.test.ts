import { expect, test } from "vitest";
import type { Prices } from "../../../../shared/money/prices.ts";
import { Unit } from "../../../../shared/units.ts";
import type { Asked, Exchange } from "../../domain/exchange.ts";
import { type RerankFormat, rerankExchanges } from "./translate.ts";

const format: RerankFormat = {
  bills: "tokens",
  write: () => ({ path: "/rerank", headers: {}, body: Buffer.from("{}") }),
  inBandError: () => {
    throw new Error("not asked");
  },
};
const moments = { sentMs: 0, endedMs: 0, startMs: 0 } as unknown as Parameters<Exchange["whole"]>[1];
const prices = { inputNanoUsdPerMtok: 0n, rates: [{ unit: Unit.SEARCHES, nanoUsd: 2_000_000n }] } as unknown as Prices;
const documents = Array.from({ length: 101 }, (_, index) => `document ${index}`);
const asked = (more: Partial<Asked>): Asked => ({
  ...{ requestId: 1n, model: "m", upstreamModel: "m", control: "", stream: false, includeUsage: false, headers: {} },
  ...{ createdUnixS: 0, keepResponse: false, body: Buffer.from(JSON.stringify({ model: "m", query: "q", documents })) },
  ...more,
});

test("searches that have a price are estimated where an upstream counts tokens alone: a ranking is not free", () => {
  const answer = { results: [{ index: 0, relevance_score: 1 }], usage: { total_tokens: 9 } };
  const measure = (body: object, priced: Prices | undefined) => {
    const exchange = rerankExchanges(() => format)["jina.rerank"]?.(asked({ prices: priced }));
    const { usage } = exchange?.whole(Buffer.from(JSON.stringify(body)), moments) ?? {};
    return { more: usage?.more, inputTokens: usage?.inputTokens, estimated: usage?.estimated };
  };
  expect(measure(answer, undefined)).toEqual({ more: undefined, inputTokens: 9n, estimated: false });
  const searches = [{ unit: Unit.SEARCHES, amount: 2n }];
  expect(measure(answer, prices)).toEqual({ more: searches, inputTokens: 9n, estimated: true });
  const said = { ...answer, meta: { billed_units: { search_units: 1 } } };
  expect(measure(said, prices)).toMatchObject({ more: [{ unit: Unit.SEARCHES, amount: 1n }], estimated: false });
});

test("tokens that have a price are estimated where an upstream counts searches alone", () => {
  const byToken = { inputNanoUsdPerMtok: 1n } as unknown as Prices;
  const exchangeOf = (priced: Prices) =>
    rerankExchanges(() => ({ ...format, bills: "searches" }))["cohere.rerank"]?.(
      asked({ prices: priced, estimatedInputTokens: 77 }),
    );
  const answer = { results: [{ index: 0, relevance_score: 1 }], meta: { billed_units: { search_units: 2 } } };
  const usageOf = (priced: Prices) => exchangeOf(priced)?.whole(Buffer.from(JSON.stringify(answer)), moments).usage;
  const searches = [{ unit: Unit.SEARCHES, amount: 2n }];
  expect(usageOf(prices)).toMatchObject({ inputTokens: 0n, more: searches, estimated: false });
  expect(usageOf(byToken)).toMatchObject({ inputTokens: 77n, more: searches, estimated: true });
});
