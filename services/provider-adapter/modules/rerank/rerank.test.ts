import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Unit } from "../../../../shared/gen/throughline/common/v1/common_pb.ts";
import { createSimulator, type Simulator } from "../../../simulator/simulator.ts";
import { type Invocation, startTestProvider, type TestProvider } from "../../testing-provider.ts";

let simulator: Simulator;
let provider: TestProvider;

/** Every upstream that ranks: its channel, and what it charges by. */
const upstreams: Readonly<
  Record<string, { adapter: string; path: string; flavour?: object; bills: "tokens" | "searches" | "nothing" }>
> = {
  jina: { adapter: "openai", path: "/v1", bills: "tokens" },
  dashscope: { adapter: "openai", path: "/compatible-mode/v1", flavour: { vendor: "dashscope" }, bills: "tokens" },
  cohere: { adapter: "cohere", path: "", bills: "searches" },
  voyage: { adapter: "voyage", path: "/v1", bills: "tokens" },
  tei: { adapter: "openai", path: "/tei/any", flavour: { rerank: { shape: "tei" } }, bills: "nothing" },
};

beforeAll(async () => {
  simulator = await createSimulator({});
  const channels = Object.entries(upstreams).map(([name, { adapter, path, flavour }]) => [
    name,
    {
      adapter,
      baseUrl: `${simulator.url}${path}`,
      ...(flavour === undefined ? {} : { flavour }),
      credential: "secret",
    },
  ]);
  provider = await startTestProvider(Object.fromEntries(channels));
});
afterAll(async () => {
  await provider[Symbol.asyncDispose]();
  await simulator.close();
});

const documents = ["Paris is a city", "the weather in Rome", "weather in Paris is fine"];
const ranking = (channel: string, model: string, more: object = {}, dialect = "jina.rerank"): Invocation => ({
  dialect,
  body: { model: "m", query: "weather in Paris", documents, ...more },
  candidates: [{ channel, model }],
});

describe.each(Object.entries(upstreams))("%s", (name, { bills }) => {
  test.each([
    ["cohere.rerank", "2"],
    ["jina.rerank", "1"],
  ])("a %s client has the best first, with both counts", async (dialect, version) => {
    const { text, outcome, error, contentType } = await provider.invoke(
      ranking(name, "any", { top_n: 2, return_documents: false }, dialect),
    );
    expect(error).toBeUndefined();
    expect(contentType).toBe("application/json");
    const answer = JSON.parse(text);
    expect(answer).toMatchObject({
      id: outcome.messageId,
      results: [{ index: 2 }, { index: 1 }],
      meta: { api_version: { version }, billed_units: { search_units: 1 } },
    });
    expect(answer.results[0].relevance_score).toBeGreaterThan(answer.results[1].relevance_score);
    expect(answer.results[0]).not.toHaveProperty("document");
    expect(answer.usage.total_tokens).toBeGreaterThan(0);
    expect(outcome.usage?.estimated).toBe(bills === "nothing");
    expect(outcome.usage?.inputTokens).toBe(bills === "searches" ? 0n : BigInt(answer.usage.total_tokens));
    expect(outcome.usage?.more).toMatchObject(bills === "searches" ? [{ unit: Unit.SEARCHES, amount: 1n }] : []);
  });

  test("documents come back as the client gave them", async () => {
    const given = [{ text: "Rome", tag: 7 }, "Paris weather", { title: "weather", text: "", body: "in Paris" }];
    const more = { documents: given, return_documents: true };
    const plain = await provider.invoke(ranking(name, "any", { ...more, documents: given.slice(0, 2) }));
    expect(JSON.parse(plain.text).results.map((one: { document: unknown }) => one.document)).toEqual([
      { text: "Paris weather" },
      { text: "Rome", tag: 7 },
    ]);
    const fields = await provider.invoke(
      ranking(name, "any", { ...more, documents: given.slice(2), rank_fields: ["title", "body"] }),
    );
    expect(JSON.parse(fields.text).results[0]).toMatchObject({ index: 0, document: given[2] });
    expect(simulator.requests.at(-1)?.body.toString()).toContain("title: weather\\nbody: in Paris");
  });
});
