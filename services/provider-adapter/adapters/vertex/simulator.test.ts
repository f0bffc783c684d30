import { generateKeyPairSync } from "node:crypto";
import { create } from "@bufbuild/protobuf";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { CandidateSchema } from "../../../../shared/gen/throughline/common/v1/common_pb.ts";
import { createSimulator, type Simulator } from "../../../simulator/simulator.ts";
import { startTestProvider, type TestProvider } from "../../testing-provider.ts";
import { vertexAdapter } from "./index.ts";

const claude = "claude-sonnet-4-5@20250929";
const gemini = "gemini-2.5-flash";
const project = "/v1/projects/my-project/locations/europe-west4";

let simulator: Simulator;
let provider: TestProvider;
const warnings: string[] = [];
const otherKey = generateKeyPairSync("rsa", {
  modulusLength: 2_048,
  privateKeyEncoding: { type: "pkcs8", format: "pem" },
  publicKeyEncoding: { type: "spki", format: "pem" },
}).privateKey;
const keyFile = (changes: object = {}) => JSON.stringify({ ...JSON.parse(simulator.serviceAccount), ...changes });

beforeAll(async () => {
  simulator = await createSimulator({});
  const vertex = { adapter: "vertex", baseUrl: `${simulator.url}${project}` };
  provider = await startTestProvider(
    {
      cloud: { ...vertex, credential: keyFile() },
      brief: { ...vertex, credential: keyFile({ client_email: "brief-5@simulated.iam.gserviceaccount.com" }) },
      token: { ...vertex, credential: "static-access-token" },
      "old-token": { ...vertex, credential: "ya29.long-gone-and-past" },
      "wrong-key": { ...vertex, credential: keyFile({ private_key: otherKey }) },
      nowhere: { ...vertex, credential: keyFile({ token_uri: "http://127.0.0.1:9/token" }) },
      "failing-false": { ...vertex, credential: "static-1" },
      "failing-true": { ...vertex, credential: "static-2" },
      other: { adapter: "openai", baseUrl: `${simulator.url}/v1` },
    },
    { onWarn: (line, message) => warnings.push(JSON.stringify([line, message])) },
  );
});
afterAll(async () => {
  await provider?.[Symbol.asyncDispose]();
  await simulator?.close();
});

const messages = [{ role: "user", content: "Hello" }];
const bodies: Readonly<Record<string, object>> = {
  "openai.chat": { messages },
  "anthropic.messages": { messages, max_tokens: 100 },
  gemini: { contents: [{ role: "user", parts: [{ text: "Hello" }] }] },
};
function ask(model: string, more: object = {}, channel = "token", dialect = "openai.chat") {
  return provider.invoke({
    dialect,
    body: { model: "m", ...bodies[dialect], ...more },
    candidates: [{ channel, model }],
  });
}
const tokenRequests = () => simulator.requests.filter(({ path }) => path === "/token");

const mark = (word: string) => `-----${word} PRIVATE KEY-----`;

describe("tokens", () => {
  test("a service account is exchanged once for all who ask, and the token is sent", async () => {
    simulator.clear();
    const answers = await Promise.all([1, 2, 3, 4].map(() => ask(gemini, {}, "cloud")));
    expect(answers.map(({ error }) => error)).toEqual([undefined, undefined, undefined, undefined]);
    expect(tokenRequests()).toHaveLength(1);
    const seen = simulator.requests.at(-1);
    expect(seen?.path).toBe(`${project}/publishers/google/models/${gemini}:generateContent`);
    expect(seen?.headers.authorization).toMatch(/^Bearer ya29\.sim-/);
    await ask(claude, { stream: true }, "cloud");
    expect(tokenRequests()).toHaveLength(1);
    const said = new URLSearchParams(tokenRequests()[0]?.body.toString()).get("assertion") ?? "";
    expect(JSON.parse(Buffer.from(said.split(".")[1] ?? "", "base64url").toString())).toMatchObject({
      iss: "simulated@simulated-project.iam.gserviceaccount.com",
      aud: `${simulator.url}/token`,
      scope: "https://www.googleapis.com/auth/cloud-platform",
    });
  });

  test("one that is about to end is not used", async () => {
    simulator.clear();
    expect((await ask(gemini, {}, "brief")).error).toBeUndefined();
    expect((await ask(gemini, {}, "brief")).error).toBeUndefined();
    expect(tokenRequests()).toHaveLength(2);
  });

  test.each(["wrong-key", "nowhere", "old-token"])(
    "%s: another channel answers; nobody is told a key",
    async (channel) => {
      warnings.length = 0;
      const { error, outcome, text } = await provider.invoke({
        dialect: "openai.chat",
        body: { model: "m", messages },
        candidates: [
          { channel, model: gemini },
          { channel: "other", model: "gpt-4o" },
        ],
      });
      expect(error).toBeUndefined();
      expect(outcome.attempts.map(({ errorCode }) => errorCode)).toEqual(["upstream_error", ""]);
      const told = [text, ...outcome.attempts.map(({ errorMessage }) => errorMessage), ...warnings].join();
      expect(told).not.toMatch(/PRIVATE|iam\.gserviceaccount|ya29|assertion/);
      const reasons: Readonly<Record<string, string>> = { "wrong-key": "Invalid JWT Signature", nowhere: "connect" };
      if (channel in reasons) expect(warnings.join()).toContain(reasons[channel] ?? "");
    },
  );

  test("without another channel the client is told that it was the platform's credential", async () => {
    const { error } = await ask(gemini, {}, "wrong-key");
    expect(error).toMatchObject({ code: "upstream_error", httpStatus: 502 });
    expect(error?.message).toContain("credential");
  });

  test("a client that leaves while the token is asked for leaves nothing behind", async () => {
    const hung = await startTestProvider({
      slow: {
        adapter: "vertex",
        baseUrl: `${simulator.url}${project}`,
        credential: keyFile({ token_uri: `${simulator.url}/v1/models/sim-hang-headers:generateContent` }),
      },
    });
    const requestId = hung.nextId();
    const stream = hung.client.invoke.open(
      {
        dialect: "openai.chat",
        body: Buffer.from(JSON.stringify({ model: "m", messages })),
        candidates: [create(CandidateSchema, { channel: "slow", upstreamModel: gemini })],
      },
      { requestId, timeoutMs: 20_000 },
    );
    const outcome = stream.outcome;
    // The server that it asks for a token never answers.
    setImmediate(() => stream.cancel());
    await expect(
      outcome.then(
        ({ cancelled }) => cancelled,
        () => true,
      ),
    ).resolves.toBe(true);
    await hung[Symbol.asyncDispose]();
  });

  test.each([
    ["of another kind", { type: "authorized_user" }],
    ["without a key", { private_key: "" }],
    ["with a key that is none", { private_key: `${mark("BEGIN")}\nAAAA\n${mark("END")}` }],
    ["whose token comes from afar in the clear", { token_uri: "http://tokens.example.com/token" }],
    ["whose token comes from nowhere", { token_uri: "file:///etc/passwd" }],
  ])("a key file %s is told when the channel is opened, without the key", (_, changes) => {
    const check = vertexAdapter.open("").checkCredential;
    expect(() => check?.(keyFile())).not.toThrow();
    expect(() => check?.(keyFile(changes))).toThrow(/credential|key file/);
    expect(() => check?.(keyFile(changes))).not.toThrow(/PRIVATE/);
  });
});

describe.each([
  [gemini, "publishers/google/models/gemini-2.5-flash", "generateContent", "streamGenerateContent?alt=sse"],
  [claude, "publishers/anthropic/models/claude-sonnet-4-5@20250929", "rawPredict", "streamRawPredict"],
])("%s", (model, path, wholeVerb, streamVerb) => {
  const dialects = Object.keys(bodies).flatMap((dialect) => [false, true].map((stream) => ({ dialect, stream })));
  test.each(dialects)("for $dialect, streamed: $stream", async ({ dialect, stream }) => {
    const { error, outcome, text } = await ask(model, stream ? { stream } : {}, "token", dialect);
    expect(error).toBeUndefined();
    const seen = simulator.requests.at(-1);
    expect(seen?.path).toBe(`${project}/${path}:${stream ? streamVerb : wholeVerb}`);
    expect(seen?.headers.authorization).toBe("Bearer static-access-token");
    const body = JSON.parse(seen?.body.toString() ?? "");
    if (model === claude) {
      expect(body).toMatchObject({ anthropic_version: "vertex-2023-10-16" });
      expect(seen?.headers["anthropic-version"]).toBeUndefined();
      expect(outcome.attempts[0]?.upstreamRequestId).toBe(seen?.id);
    }
    expect(body.model).toBeUndefined();
    expect(outcome.usage?.estimated).toBe(false);
    expect(text).toContain("simulated");
    expect(text).not.toContain("static-access-token");
  });

  test.each(Object.keys(bodies))("%s: tokens are counted by the vendor", async (dialect) => {
    const answer = await provider.client.countTokens(
      {
        requestId: provider.nextId(),
        dialect,
        body: Buffer.from(JSON.stringify({ model: "m", ...bodies[dialect] })),
        candidates: [create(CandidateSchema, { channel: "cloud", upstreamModel: model })],
      },
      { timeoutMs: 5_000 },
    );
    expect(answer.estimated).toBe(false);
    expect(Number(answer.inputTokens)).toBeGreaterThan(0);
    expect(simulator.requests.at(-1)?.path).toBe(
      model === claude
        ? `${project}/publishers/anthropic/models/count-tokens:rawPredict`
        : `${project}/${path}:countTokens`,
    );
  });
});

test("a tier of Anthropic's own is left out and noted: the platform knows no such field", async () => {
  const { error, outcome } = await ask(claude, { service_tier: "auto" }, "token", "anthropic.messages");
  expect(error).toBeUndefined();
  expect(outcome.notes.join()).toContain("service_tier dropped");
});

describe.each([false, true])("stream: %s", (stream) => {
  test.each([
    ["sim-status-400", "invalid_value"],
    ["sim-status-401", "upstream_error"],
    ["sim-status-404", "upstream_error"],
    ["sim-status-429", "upstream_overloaded"],
    ["sim-status-503", "upstream_overloaded"],
    ["sim-error-in-stream", stream ? "upstream_overloaded" : "upstream_error"],
    ["sim-drop-stream", "upstream_error"],
  ])("%s is %s", async (model, code) => {
    expect((await ask(model, { stream })).error?.code).toBe(code);
  });

  test("a failing one gives way to another format before the first byte", async () => {
    const { error, outcome } = await provider.invoke({
      dialect: "anthropic.messages",
      body: { model: "m", max_tokens: 100, messages, stream },
      candidates: [
        { channel: `failing-${stream}`, model: "sim-status-503" },
        { channel: "other", model: "gpt-4o" },
      ],
    });
    expect(error).toBeUndefined();
    expect(outcome.attempts.map(({ channel }) => channel)).toEqual([`failing-${stream}`, "other"]);
  });
});

test("Anthropic's failures are read in Anthropic's words", () => {
  const { failure } = vertexAdapter.open("");
  const long = { type: "error", error: { type: "invalid_request_error", message: "prompt is too long: 9 > 8" } };
  expect(failure(400, {}, JSON.stringify(long), "").error.code).toBe("context_length_exceeded");
  const busy = [{ error: { code: 429, message: "Quota exceeded", status: "RESOURCE_EXHAUSTED" } }];
  expect(failure(429, {}, JSON.stringify(busy), "").error.code).toBe("upstream_overloaded");
});

test.each([
  ["gemini-embedding-001", ["a", "b"], "predict"],
  ["text-multilingual-embedding-002", ["a"], "predict"],
  ["gemini-embedding-2", ["a"], "embedContent"],
])("embeddings of %s", async (model, input, verb) => {
  const { error, outcome, text } = await provider.invoke({
    dialect: "openai.embeddings",
    body: { model: "m", input, dimensions: 8 },
    candidates: [{ channel: "token", model }],
  });
  expect(error).toBeUndefined();
  expect(JSON.parse(text).data.map(({ embedding }: { embedding: number[] }) => embedding.length)).toEqual(
    input.map(() => 8),
  );
  expect(simulator.requests.at(-1)?.path).toBe(`${project}/publishers/google/models/${model}:${verb}`);
  expect(Number(outcome.usage?.inputTokens)).toBeGreaterThan(0);
});
