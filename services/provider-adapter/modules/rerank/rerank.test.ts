import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Unit } from "../../../../shared/gen/throughline/common/v1/common_pb.ts";
import { createSimulator, type Simulator } from "../../../simulator/simulator.ts";
import { type Invocation, startTestProvider, type TestProvider } from "../../testing-provider.ts";

let simulator: Simulator;
let provider: TestProvider;

const teiFlavour = { modules: { rerank: { shape: "tei" } } };

/** Every upstream that ranks: its channel, and what it charges by. */
const upstreams: Readonly<
  Record<string, { adapter: string; path: string; flavour?: object; bills: "tokens" | "searches" | "nothing" }>
> = {
  jina: { adapter: "openai", path: "/v1", bills: "tokens" },
  dashscope: { adapter: "openai", path: "/compatible-mode/v1", flavour: { vendor: "dashscope" }, bills: "tokens" },
  cohere: { adapter: "cohere", path: "", bills: "searches" },
  voyage: { adapter: "voyage", path: "/v1", bills: "tokens" },
  tei: { adapter: "openai", path: "/tei/any", flavour: teiFlavour, bills: "nothing" },
};

/** Models of the simulator whose answer is of no use. */
const failing = [
  ...["sim-rank-unknown", "sim-rank-twice", "sim-nan", "sim-empty", "sim-empty-body", "sim-malformed-chunk"],
  ...["sim-error-in-200", "sim-drop-headers", "sim-drop-stream", "sim-status-500", "sim-status-401", "sim-status-404"],
];
/** Models of the simulator that refuse, or do not answer in time. */
const refusing: readonly [string, string][] = [
  ["sim-status-400", "invalid_value"],
  ["sim-status-422", "invalid_value"],
  ["sim-status-413", "request_too_large"],
  ["sim-status-429", "upstream_overloaded"],
  ["sim-status-503", "upstream_overloaded"],
  ["sim-status-504", "upstream_timeout"],
];
/** Models of the simulator that only look odd. */
const harmless = ["sim-rank-unsorted", "sim-comments", "sim-split-bytes", "sim-slow-chunks-1"];
const teiModels = [...failing, ...refusing.map(([model]) => model), ...harmless, "sim-no-usage"];

beforeAll(async () => {
  simulator = await createSimulator({});
  const channels = Object.entries(upstreams).map(([name, { adapter, path, flavour = {} }]) => {
    const channel = { adapter, flavour, credential: "secret" };
    return [name, { ...channel, baseUrl: `${simulator.url}${path}` }];
  });
  // text-embeddings-inference is asked for no model: each of its channels has one of its own.
  for (const model of teiModels) {
    const channel = { adapter: "openai", flavour: teiFlavour, credential: "secret" };
    channels.push([`tei:${model}`, { ...channel, baseUrl: `${simulator.url}/tei/${model}` }]);
  }
  const impatient = { adapter: "openai", headersTimeoutMs: 200, bodyTimeoutMs: 200, baseUrl: `${simulator.url}/v1` };
  const router = { adapter: "openai", baseUrl: `${simulator.url}/v1`, flavour: { vendor: "openrouter" } };
  channels.push(["openrouter", { ...router, credential: "secret" }]);
  channels.push(["impatient", { ...impatient, flavour: {}, credential: "secret" }]);
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

describe.each(Object.keys(upstreams))("%s, when it misbehaves", (name) => {
  /** text-embeddings-inference takes its model from the channel. */
  const ask = (model: string, more: object = {}) =>
    provider.invoke(ranking(name === "tei" ? `tei:${model}` : name, model, more));

  test.each(failing)("%s is an error of the upstream, and nothing is charged", async (model) => {
    const { error, outcome, text } = await ask(model);
    expect(error?.code).toBe("upstream_error");
    expect(text).toBe("");
    expect(outcome.usage).toBeUndefined();
    expect(outcome.attempts[0]?.errorCode).toBe("upstream_error");
  });

  test.each(refusing)("%s is %s", async (model, code) => {
    expect((await ask(model)).error?.code).toBe(code);
  });

  test.each(harmless)("%s changes nothing", async (model) => {
    const { text, error } = await ask(model, { top_n: 2 });
    expect(error).toBeUndefined();
    expect(JSON.parse(text).results.map((one: { index: number }) => one.index)).toEqual([2, 1]);
  });

  test("what it does not count is estimated, and said to be so", async () => {
    const { outcome, text } = await ask("sim-no-usage");
    expect(outcome.usage?.estimated).toBe(true);
    const searches = upstreams[name]?.bills === "searches";
    expect(outcome.usage?.more).toMatchObject(searches ? [{ unit: Unit.SEARCHES, amount: 1n }] : []);
    expect(Number(outcome.usage?.inputTokens)).toBe(searches ? 0 : JSON.parse(text).usage.total_tokens);
  });
});

test.each(["sim-hang-headers", "sim-hang-stream"])("%s is an upstream_timeout", async (model) => {
  const { error } = await provider.invoke(ranking("impatient", model));
  expect(error?.code).toBe("upstream_timeout");
});

test("search units of an estimate: a hundredth of the documents, rounded up", async () => {
  const many = Array.from({ length: 201 }, (_, index) => `document ${index}`);
  const { outcome } = await provider.invoke(ranking("cohere", "sim-no-usage", { documents: many }));
  expect(outcome.usage?.more).toMatchObject([{ unit: Unit.SEARCHES, amount: 3n }]);
});

test("a channel that ranks wrongly is passed over; of what the second gave all is charged", async () => {
  const { text, outcome, error } = await provider.invoke({
    ...ranking("jina", "sim-rank-unknown"),
    candidates: [
      { channel: "jina", model: "sim-rank-unknown" },
      { channel: "voyage", model: "any" },
    ],
  });
  expect(error).toBeUndefined();
  expect(outcome.attempts.map((attempt) => attempt.channel)).toEqual(["jina", "voyage"]);
  expect(JSON.parse(text).results[0].index).toBe(2);
});

describe("pictures", () => {
  const pictures = [{ image: "https://a.example/b.png" }, "a text"];
  test("go to who may rank them", async () => {
    await provider.invoke(ranking("jina", "any", { documents: pictures }));
    expect(JSON.parse(simulator.requests.at(-1)?.body.toString() ?? "")).toMatchObject({ documents: pictures });
  });
  test.each(["cohere", "voyage", "tei"])("%s is not sent what it cannot rank", async (channel) => {
    const { error } = await provider.invoke(ranking(channel, "any", { documents: pictures }));
    expect(error).toMatchObject({ code: "invalid_value", param: "documents[0].image" });
  });
});

test.each([
  ["openrouter", { models: ["dear"], task: "x" }, ["models dropped: the vendor does not take it"]],
  ["jina", { truncation: true, task: "x" }, []],
  ["cohere", { priority: 3, task: "x" }, ["task dropped: the upstream's format has no such field"]],
  ["voyage", { truncation: false, priority: 3 }, ["priority dropped: the upstream's format has no such field"]],
])("%s is sent the fields that it knows: %j", async (channel, others, notes) => {
  const { outcome } = await provider.invoke(ranking(channel, "any", { ...others, max_tokens_per_doc: 9 }));
  const sent = JSON.parse(simulator.requests.at(-1)?.body.toString() ?? "");
  for (const [field, value] of Object.entries(others)) {
    if (notes.some((note) => note.startsWith(field))) expect(sent).not.toHaveProperty(field);
    else expect(sent[field]).toBe(value);
  }
  expect(outcome.notes).toEqual(expect.arrayContaining(notes));
});
