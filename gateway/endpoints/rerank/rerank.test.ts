import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it, test } from "vitest";
import type { Reservation, ReserveItem } from "../../../shared/gen/throughline/billing/v1/billing_pb.ts";
import { Module, Unit } from "../../../shared/gen/throughline/common/v1/common_pb.ts";
import { each, secrets, startTestGateway, type TestGateway } from "../../testing.ts";
import { rerankDemand } from "./rerank-demand.ts";

const paths = ["/v2/rerank", "/v1/rerank", "/rerank"];
const limits = { contextWindowTokens: 0n, maxOutputTokens: 0n };
const reserved: ReserveItem[] = [];
let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startTestGateway({
    billing: {
      reserve: each<ReserveItem, Reservation>((item) => {
        reserved.push(item);
        return { reservedNanoUsd: 1_000n };
      }),
    },
  });
});
afterAll(() => gateway[Symbol.asyncDispose]());

const body = { model: "m", query: "q", documents: ["a", "b"] };
const many = (count: number) => Array.from({ length: count }, () => "a");

describe.each(paths)("%s", (path) => {
  test("is asked of routing and of the provider as a ranking", async () => {
    const answer = await gateway.call(path, body);
    expect(answer.status).toBe(200);
    expect(gateway.resolved.at(-1)).toMatchObject({ module: Module.RERANK, model: "m" });
    await expect
      .poll(() => gateway.recorded.at(-1))
      .toMatchObject({
        module: Module.RERANK,
        dialect: path === "/v2/rerank" ? "cohere.rerank" : "jina.rerank",
      });
  });

  test("needs its scope", async () => {
    const headers = { authorization: `Bearer ${secrets.narrow}` };
    expect((await gateway.call(path, body, { headers })).status).toBe(403);
  });
});

describe("a body that is not valid", () => {
  const refused: readonly [string, object, string, string][] = [
    ["no query", { query: undefined }, "missing_required_field", "query"],
    ["an empty query", { query: "" }, "invalid_value", "query"],
    ["a query that is no text", { query: 5 }, "invalid_value", "query"],
    ["no documents", { documents: undefined }, "missing_required_field", "documents"],
    ["an empty list", { documents: [] }, "invalid_value", "documents"],
    ["one text for a list", { documents: "a" }, "invalid_value", "documents"],
    ["too many documents", { documents: many(10_001) }, "invalid_value", "documents"],
    ["an empty document", { documents: ["a", ""] }, "invalid_value", "documents[1]"],
    ["a number", { documents: ["a", 5] }, "invalid_value", "documents[1]"],
    ["nothing", { documents: [null] }, "invalid_value", "documents[0]"],
    ["an object without a text", { documents: ["a", { title: "b" }] }, "missing_required_field", "documents[1].text"],
    ["an object with an empty text", { documents: [{ text: "" }] }, "missing_required_field", "documents[0].text"],
    [
      "an object without the fields",
      { documents: [{ text: "a" }], rank_fields: ["title"] },
      "missing_required_field",
      "documents[0].title",
    ],
    ["top_n of 0", { top_n: 0 }, "invalid_value", "top_n"],
    ["top_n of a half", { top_n: 1.5 }, "invalid_value", "top_n"],
    ["return_documents that is no switch", { return_documents: "yes" }, "invalid_value", "return_documents"],
    ["rank_fields that is no list", { rank_fields: "title" }, "invalid_value", "rank_fields"],
    ["a field in capitals", { Documents: ["c"] }, "invalid_value", "Documents"],
  ];
  it.each(refused)("%s: %j -> %s at %s", async (_name, more, code, param) => {
    const held = reserved.length;
    for (const path of paths) {
      const answer = await gateway.call(path, { ...body, ...more });
      expect(answer.status).toBe(400);
      expect(await answer.json()).toMatchObject({ error: { code, param } });
      const requestId = BigInt(answer.headers.get("x-request-id") ?? 0);
      const recordOf = () => gateway.recorded.find((record) => record.requestId === requestId);
      await expect.poll(recordOf).toMatchObject({ module: Module.RERANK, errorCode: code, httpStatus: 400 });
    }
    expect(reserved).toHaveLength(held);
  });
});

test("what is held covers every way in which vendors count", () => {
  const text = fc.string({ minLength: 1, maxLength: 4_000 });
  fc.assert(
    fc.property(text, fc.array(text, { minLength: 1, maxLength: 250 }), (query, documents) => {
      const { worst, needs } = rerankDemand({ model: "m", query, documents });
      const { inputTokens, more } = worst(limits);
      const [searches] = more ?? [];
      expect(searches?.unit).toBe(Unit.SEARCHES);
      expect(searches?.amount).toBeGreaterThanOrEqual(BigInt(Math.ceil(documents.length / 100)));
      expect(Number(inputTokens)).toBeGreaterThanOrEqual(needs.inputTokens * 1.5);
      // Every document is read with the query.
      expect(needs.inputTokens).toBeGreaterThanOrEqual(
        (documents.length * query.length + documents.join("").length) / 4,
      );
    }),
  );
});

test("a query far over the model's window is refused; long documents are cut by the vendor", () => {
  const window = { ...limits, contextWindowTokens: 100n };
  const long = "a".repeat(1_000);
  expect(rerankDemand({ ...body, query: long }).refuses(window)).toMatchObject({
    code: "context_length_exceeded",
    param: "query",
  });
  expect(rerankDemand({ ...body, documents: [long] }).refuses(window)).toBeUndefined();
});
