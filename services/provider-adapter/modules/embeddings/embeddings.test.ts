import { once } from "node:events";
import { createServer, type Server } from "node:http";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createSimulator, type Simulator } from "../../../simulator/simulator.ts";
import { startTestProvider, type TestProvider } from "../../testing-provider.ts";
import { floatsOf, unpack } from "./vector.ts";

let simulator: Simulator;
let provider: TestProvider;
/** Answers every request with the text of `answers`. */
let oddServer: Server;
let oddAnswer = "";

/** Every upstream that embeds: its channel, and whether it takes tokens. */
const upstreams: Readonly<Record<string, { adapter: string; path: string; flavour?: object; tokens: boolean }>> = {
  openai: { adapter: "openai", path: "/v1", tokens: true },
  "without encoding": {
    adapter: "openai",
    path: "/v1",
    flavour: { drop_fields: ["encoding_format", "dimensions"] },
    tokens: true,
  },
  dashscope: { adapter: "openai", path: "/v1", flavour: { vendor: "dashscope" }, tokens: false },
  mistral: { adapter: "openai", path: "/v1", flavour: { vendor: "mistral" }, tokens: false },
  gemini: { adapter: "gemini", path: "/v1beta", tokens: false },
  cohere: { adapter: "cohere", path: "", tokens: false },
  voyage: { adapter: "voyage", path: "/v1", tokens: false },
};
const names = Object.keys(upstreams);

beforeAll(async () => {
  simulator = await createSimulator({});
  oddServer = createServer((_request, response) => {
    response.writeHead(200, { "content-type": "application/json" });
    response.end(oddAnswer);
  });
  oddServer.listen(0, "127.0.0.1");
  await once(oddServer, "listening");
  const address = oddServer.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  const channels = Object.entries(upstreams).map(([name, { adapter, path, flavour = {} }]) => [
    name,
    { adapter, flavour, credential: "secret", baseUrl: `${simulator.url}${path}` },
  ]);
  const odd = { adapter: "openai", flavour: {}, credential: "secret", baseUrl: `http://127.0.0.1:${port}/v1` };
  const impatient = { adapter: "openai", headersTimeoutMs: 200, bodyTimeoutMs: 200, baseUrl: `${simulator.url}/v1` };
  provider = await startTestProvider({
    ...Object.fromEntries(channels),
    odd,
    impatient: { ...impatient, flavour: {}, credential: "secret" },
  });
});
afterAll(async () => {
  await provider[Symbol.asyncDispose]();
  await simulator.close();
  oddServer.closeAllConnections();
  oddServer.close();
});

const input = ["Paris is a city", "the weather in Rome", "三"];

async function embed(channel: string, model: string, more: object = {}, then: readonly string[] = []) {
  const candidates = [{ channel, model }, ...then.map((next) => ({ channel: next, model: "good" }))];
  const body = { model: "m", input, ...more };
  const { text, outcome, error } = await provider.invoke({ dialect: "openai.embeddings", body, candidates });
  return { text, outcome, error, sent: JSON.parse(simulator.requests.at(-1)?.body.toString() || "{}") };
}

/** The vectors of an answer, whatever their encoding. */
function vectorsIn(text: string): number[][] {
  const { data } = JSON.parse(text) as { data: { index: number; embedding: string | number[] }[] };
  expect(data.map(({ index }) => index)).toEqual(data.map((_, place) => place));
  return data.map(({ embedding }) => (typeof embedding === "string" ? Array.from(unpack(embedding) ?? []) : embedding));
}

describe.each(names)("%s", (name) => {
  const isCut = name === "without encoding" || name === "mistral";

  test("gives the same vectors in both encodings, and says its usage", async () => {
    const plain = await embed(name, "good");
    const packed = await embed(name, "good", { encoding_format: "base64" });
    expect([plain.error, packed.error]).toEqual([undefined, undefined]);
    expect(vectorsIn(packed.text)).toEqual(vectorsIn(plain.text));
    expect(JSON.parse(plain.text)).toMatchObject({
      object: "list",
      model: "good",
      usage: { prompt_tokens: 10, total_tokens: 10 },
    });
    expect(typeof JSON.parse(plain.text).data[0].embedding).toBe("object");
    expect(typeof JSON.parse(packed.text).data[0].embedding).toBe("string");
    expect(plain.outcome.usage).toMatchObject({ inputTokens: 10n, outputTokens: 0n, estimated: false });
    expect(JSON.parse(Buffer.from(plain.outcome.response).toString())).toEqual({
      object: "list",
      data: { count: 3, dimensions: 256, encoding_format: "float" },
      model: "good",
      usage: { prompt_tokens: 10, total_tokens: 10 },
    });
  });

  test("gives as many dimensions as are asked for, of length 1", async () => {
    const whole = vectorsIn((await embed(name, "mistral-embed")).text);
    const model = name === "mistral" ? "mistral-embed" : "good";
    const { text, error } = await embed(name, model, { dimensions: 16 });
    expect(error).toBeUndefined();
    for (const [place, vector] of vectorsIn(text).entries()) {
      expect(vector).toHaveLength(16);
      expect(Math.hypot(...vector)).toBeCloseTo(1, 5);
      if (!isCut) continue;
      const [first = 1] = vector;
      const scale = first / (whole[place]?.[0] ?? 1);
      expect(vector[5]).toBeCloseTo((whole[place]?.[5] ?? 0) * scale, 5);
    }
  });

  test("takes tokens, or refuses them by their field", async () => {
    const { error } = await embed(name, "good", { input: [[1, 2], [3]] });
    if (upstreams[name]?.tokens === true) expect(error).toBeUndefined();
    else expect(error).toMatchObject({ code: "invalid_value", param: "input" });
  });

  test.each([
    ...["sim-embed-wrong-count", "sim-embed-ragged", "sim-nan", "sim-empty-body", "sim-malformed-chunk"],
    ...[
      "sim-error-in-200",
      "sim-drop-headers",
      "sim-drop-stream",
      "sim-status-500",
      "sim-status-401",
      "sim-status-404",
    ],
  ])("%s is an upstream's error, and the next channel is asked", async (model) => {
    const alone = await embed(name, model);
    expect(alone.error).toMatchObject({ code: "upstream_error" });
    expect(alone.text).toBe("");
    const { error, text, outcome } = await embed(name, model, {}, ["openai"]);
    expect(error).toBeUndefined();
    // A channel that failed often enough is left out.
    expect(outcome.attempts.at(-1)?.channel).toBe("openai");
    expect(vectorsIn(text)).toHaveLength(3);
  });

  test.each([
    ["sim-status-400", "invalid_value"],
    ["sim-status-422", "invalid_value"],
    ["sim-status-413", "request_too_large"],
    ["sim-status-429", "upstream_overloaded"],
    ["sim-status-503", "upstream_overloaded"],
    ["sim-status-504", "upstream_timeout"],
  ])("%s is %s", async (model, code) => {
    // The simulator's Gemini has no word for this one.
    if (name === "gemini" && model === "sim-status-413") return;
    expect((await embed(name, model)).error).toMatchObject({ code });
  });

  test.each(["sim-comments", "sim-split-bytes", "sim-slow-chunks-1"])("%s does no harm", async (model) => {
    const { text, error } = await embed(name, model, { encoding_format: "base64" });
    expect(error).toBeUndefined();
    expect(vectorsIn(text)).toHaveLength(3);
  });

  test("usage that is missing is estimated, and marked so", async () => {
    const { outcome, text } = await embed(name, "sim-no-usage");
    expect(outcome.usage).toMatchObject({ estimated: true });
    expect(Number(outcome.usage?.inputTokens)).toBeGreaterThan(5);
    expect(JSON.parse(text).usage.prompt_tokens).toBe(Number(outcome.usage?.inputTokens));
  });
});

describe("what is sent", () => {
  test("to OpenAI: the client's bytes, but for the model", async () => {
    const { sent } = await embed("openai", "good", { encoding_format: "base64", dimensions: 8, user: "u", later: 1 });
    expect(sent).toEqual({ model: "good", input, encoding_format: "base64", dimensions: 8, user: "u", later: 1 });
  });

  test("to Gemini: a request for each text", async () => {
    const { sent } = await embed("gemini", "good", { dimensions: 8, task_type: "RETRIEVAL_QUERY" });
    expect(sent.requests).toHaveLength(3);
    expect(sent.requests[2]).toEqual({
      model: "models/good",
      taskType: "RETRIEVAL_QUERY",
      outputDimensionality: 8,
      content: { parts: [{ text: "三" }] },
    });
  });

  test("to Cohere: the type of its input, which the client may say", async () => {
    const { sent, outcome } = await embed("cohere", "good", { dimensions: 256, encoding_format: "base64", user: "u" });
    expect(sent).toEqual({
      model: "good",
      texts: input,
      embedding_types: ["base64"],
      output_dimension: 256,
      input_type: "search_document",
      truncate: "NONE",
    });
    expect(outcome.notes).toEqual(["user dropped: the upstream's format has no such field"]);
    expect((await embed("cohere", "good", { input_type: "search_query" })).sent.input_type).toBe("search_query");
  });

  test("to Voyage: its own name of the length, nothing cut in silence", async () => {
    const { sent } = await embed("voyage", "good", { dimensions: 8, input_type: "query" });
    expect(sent).toEqual({ model: "good", input, output_dimension: 8, truncation: false, input_type: "query" });
  });

  test("to Mistral: only what the model knows", async () => {
    const { sent } = await embed("mistral", "codestral-embed", { dimensions: 8, encoding_format: "base64", user: "u" });
    expect(sent).toEqual({ model: "codestral-embed", input, output_dimension: 8 });
  });

  test.each([
    ["dashscope", 10],
    ["gemini", 100],
    ["cohere", 96],
    ["voyage", 1_000],
  ])(
    "%s takes %i inputs; of more the client hears the bound, unless another channel takes them",
    async (name, most) => {
      expect((await embed(name, "good", { input: Array(most).fill("x") })).error).toBeUndefined();
      const more = { input: Array(most + 1).fill("x") };
      const { error, outcome } = await embed(name, "good", more);
      expect(error).toMatchObject({ code: "invalid_value", param: "input" });
      expect(error?.message).toContain(`at most ${most}`);
      expect(outcome.attempts).toEqual([]);
      expect((await embed(name, "good", more, ["openai"])).error).toBeUndefined();
    },
  );
});

describe("what is answered", () => {
  const item = (index: number | undefined, embedding: unknown) => ({ object: "embedding", index, embedding });
  const answer = (data: unknown, more: object = {}) => JSON.stringify({ object: "list", data, model: "x", ...more });
  const vector = [0.6, 0.8];

  test("is put in the order of the inputs", async () => {
    oddAnswer = answer([item(2, [3, 3]), item(0, [1, 1]), item(1, [2, 2])]);
    expect(vectorsIn((await embed("odd", "m")).text)).toEqual([
      [1, 1],
      [2, 2],
      [3, 3],
    ]);
    oddAnswer = answer([item(undefined, [1, 1]), item(undefined, [2, 2]), item(undefined, [3, 3])]);
    expect(vectorsIn((await embed("odd", "m")).text)[2]).toEqual([3, 3]);
  });

  test.each([
    ["a place that stands twice", answer([item(0, vector), item(0, vector), item(1, vector)])],
    ["a place beyond the inputs", answer([item(0, vector), item(1, vector), item(3, vector)])],
    ["a place that is no number", answer([item(0, vector), item(1, vector), { ...item(2, vector), index: "2" }])],
    ["no vector", answer([item(0, vector), item(1, vector), item(2, undefined)])],
    ["an empty vector", answer([item(0, []), item(1, []), item(2, [])])],
    ["one vector too many", answer([0, 1, 2, 3].map((index) => item(index, vector)))],
    ["items that are none", answer([1, 2, 3])],
    ["no list", answer("x")],
    ["no object", "[1,2,3]"],
    ["another answer", JSON.stringify({ choices: [] })],
    ["a text that ends early", answer([item(0, vector), item(1, vector), item(2, vector)]).slice(0, -3)],
    ["numbers that are none", answer([item(0, vector), item(1, vector), item(2, ["a", "b"])])],
    ["one that is not finite", answer([item(0, vector), item(1, vector), item(2, "@")]).replace('"@"', "[1,NaN]")],
  ])("%s is an upstream's error", async (_name, text) => {
    oddAnswer = text;
    expect((await embed("odd", "m")).error).toMatchObject({ code: "upstream_error" });
  });

  test("fewer dimensions than asked for are the client's to change", async () => {
    oddAnswer = answer([0, 1, 2].map((index) => item(index, vector)));
    expect((await embed("odd", "m", { dimensions: 3 })).error).toMatchObject({
      code: "invalid_value",
      param: "dimensions",
      message: "dimensions is 3; this model gives vectors of 2.",
    });
  });

  test("a cost that the vendor reports is a quantity of its own", async () => {
    oddAnswer = answer(
      [0, 1, 2].map((index) => item(index, vector)),
      { usage: { prompt_tokens: 7, total_tokens: 7, cost: 0.000_014 } },
    );
    const { outcome } = await embed("odd", "m");
    expect(outcome.usage).toMatchObject({ inputTokens: 7n, more: [{ amount: 14_000n }] });
  });

  test("an upstream that does not answer in time is one that timed out", async () => {
    expect((await embed("impatient", "sim-hang-headers")).error).toMatchObject({ code: "upstream_timeout" });
    expect((await embed("impatient", "sim-hang-stream")).error).toMatchObject({ code: "upstream_timeout" });
  });

  test("a vector that passes keeps its bytes", () => {
    const text = Buffer.from("[1.0, 2.50]");
    expect(Array.from(floatsOf({ encoding: "float", text, dimensions: 2 }))).toEqual([1, 2.5]);
  });
});
