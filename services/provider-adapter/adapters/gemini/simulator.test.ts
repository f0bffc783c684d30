import { create } from "@bufbuild/protobuf";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { CandidateSchema } from "../../../../shared/gen/throughline/common/v1/common_pb.ts";
import { createSimulator, type Simulator } from "../../../simulator/simulator.ts";
import { startTestProvider, type TestProvider } from "../../testing-provider.ts";

let simulator: Simulator;
let provider: TestProvider;
beforeAll(async () => {
  simulator = await createSimulator({});
  provider = await startTestProvider({
    google: { adapter: "gemini", baseUrl: `${simulator.url}/v1beta`, credential: "AIza-secret" },
    bearer: { adapter: "gemini", baseUrl: `${simulator.url}/v1beta`, flavour: { auth_header: "authorization" } },
    // One for each mode: a channel that failed is not asked again at once.
    "failing-false": { adapter: "gemini", baseUrl: `${simulator.url}/v1beta` },
    "failing-true": { adapter: "gemini", baseUrl: `${simulator.url}/v1beta` },
    other: { adapter: "openai", baseUrl: `${simulator.url}/v1` },
  });
});
afterAll(async () => {
  await provider[Symbol.asyncDispose]();
  await simulator.close();
});

const messages = [{ role: "user", content: "Hello" }];
function ask(model: string, more: object = {}, channel = "google") {
  return provider.invoke({
    dialect: "openai.chat",
    body: { model: "m", messages, ...more },
    candidates: [{ channel, model }],
  });
}

test("the request goes to the model's own path with the vendor's header, and the body names the request", async () => {
  const { outcome, text } = await ask("gemini-2.5-flash");
  const seen = simulator.requests.at(-1);
  expect(seen?.path).toBe("/v1beta/models/gemini-2.5-flash:generateContent");
  expect(seen?.headers["x-goog-api-key"]).toBe("AIza-secret");
  const upstream = outcome.attempts[0]?.upstreamRequestId;
  expect(upstream).toBeTruthy();
  expect(upstream).toBe(seen?.id);
  expect(text).not.toContain("AIza-secret");
});

test("a stream names the request too, and asks for events", async () => {
  const { outcome } = await ask("gemini-2.5-flash", { stream: true });
  const seen = simulator.requests.at(-1);
  expect(seen?.path).toBe("/v1beta/models/gemini-2.5-flash:streamGenerateContent?alt=sse");
  expect(outcome.attempts[0]?.upstreamRequestId).toBe(seen?.id);
});

test("a flavour sends the credential as a Bearer", async () => {
  await ask("gemini-2.5-flash", {}, "bearer");
  expect(simulator.requests.at(-1)?.headers.authorization).toBe("Bearer secret-of-bearer");
});

describe.each([false, true])("stream: %s", (stream) => {
  test("cached and thought tokens are parts of their own", async () => {
    const { outcome } = await ask("sim-cached-50", { stream });
    expect(Number(outcome.usage?.cachedInputTokens)).toBeGreaterThan(0);
    const { outcome: thought } = await ask("gemini-2.5-flash", { stream, reasoning_effort: "high" });
    expect(thought.usage).toMatchObject({ reasoningTokens: 16n, estimated: false });
  });

  test("an upstream that counts nothing is counted", async () => {
    const { outcome } = await ask("sim-no-usage", { stream });
    expect(outcome.usage?.estimated).toBe(true);
    expect(Number(outcome.usage?.outputTokens)).toBeGreaterThan(0);
  });

  test.each([
    ["sim-status-400", "invalid_value"],
    ["sim-context-length", "context_length_exceeded"],
    ["sim-status-401", "upstream_error"],
    ["sim-status-429", "upstream_overloaded"],
    ["sim-status-500", "upstream_error"],
    ["sim-status-504", "upstream_timeout"],
    ["sim-error-in-200", "upstream_error"],
    ["sim-error-in-stream", stream ? "upstream_overloaded" : "upstream_error"],
    ["sim-malformed-chunk", "upstream_error"],
    ["sim-empty-body", "upstream_error"],
    ["sim-drop-stream", "upstream_error"],
  ])("%s is %s", async (model, code) => {
    const { error } = await ask(model, { stream });
    expect(error?.code).toBe(code);
  });

  test("a failing Gemini gives way to another format before the first byte", async () => {
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

  test("several answers", async () => {
    const { outcome, text } = await ask("gemini-2.5-flash", { stream, n: 2 });
    const answer = JSON.parse(stream ? Buffer.from(outcome.response).toString() : text);
    expect(answer.choices.map(({ index }: { index: number }) => index)).toEqual([0, 1]);
    expect(answer.choices[1].message.content).not.toBe("");
  });
});

test("a stream torn into single pieces comes to the same", async () => {
  const whole = await ask("gemini-2.5-flash", { stream: true });
  const torn = await ask("sim-split-bytes+comments", { stream: true });
  const contentOf = (text: string) =>
    [...text.matchAll(/"content":"((?:[^"\\]|\\.)*)"/g)].map(([, piece = ""]) => piece).join("");
  expect(contentOf(torn.text).slice(0, 60)).toBe(contentOf(whole.text).slice(0, 60));
  expect(torn.error).toBeUndefined();
});

test.each(["openai.chat", "anthropic.messages", "openai.responses"])(
  "%s: tokens are counted by the vendor",
  async (dialect) => {
    const said = dialect === "openai.responses" ? { input: "Hello" } : { max_tokens: 10, messages };
    const answer = await provider.client.countTokens(
      {
        requestId: provider.nextId(),
        dialect,
        body: Buffer.from(JSON.stringify({ model: "m", ...said })),
        candidates: [create(CandidateSchema, { channel: "google", upstreamModel: "gemini-2.5-flash" })],
      },
      { timeoutMs: 5_000 },
    );
    expect(answer.estimated).toBe(false);
    expect(Number(answer.inputTokens)).toBeGreaterThan(0);
    expect(simulator.requests.at(-1)?.path).toBe("/v1beta/models/gemini-2.5-flash:countTokens");
  },
);
