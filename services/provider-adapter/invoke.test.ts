import { create } from "@bufbuild/protobuf";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { CandidateSchema } from "../../shared/gen/throughline/common/v1/common_pb.ts";
import { createSimulator, type Simulator } from "../simulator/simulator.ts";
import { type Invocation, startTestProvider, type TestProvider } from "./testing-provider.ts";

let simulator: Simulator;
let provider: TestProvider;
let freshChannels = 0;
const freshChannel = () => `fresh-${freshChannels++}`;

beforeAll(async () => {
  simulator = await createSimulator({});
  // A channel that fails is left alone for a while: tests of failing over take a new one each time.
  const fresh = Array.from({ length: 40 }, (_, at) => [
    `fresh-${at}`,
    { adapter: "openai", baseUrl: `${simulator.url}/v1` },
  ]);
  provider = await startTestProvider({
    ...Object.fromEntries(fresh),
    chat: { adapter: "openai", baseUrl: `${simulator.url}/v1`, headers: { "x-team": "blue" } },
    second: { adapter: "openai", baseUrl: `${simulator.url}/v1` },
    messages: { adapter: "anthropic", baseUrl: simulator.url },
    nowhere: { adapter: "openai", baseUrl: "http://127.0.0.1:1/v1" },
  });
});
afterAll(async () => {
  await provider[Symbol.asyncDispose]();
  await simulator.close();
});

const user = [{ role: "user", content: "Hello" }];
const chat = (model: string, more: object = {}, channel = "chat"): Invocation => ({
  dialect: "openai.chat",
  body: { model: "m", messages: user, ...more },
  candidates: [{ channel, model }],
});
const messages = (model: string, more: object = {}, channel = "messages"): Invocation => ({
  dialect: "anthropic.messages",
  body: { model: "m", max_tokens: 500, messages: user, ...more },
  candidates: [{ channel, model }],
});
const stream = { stream: true };

/** The four directions. */
const directions: [name: string, invocation: (model: string, more?: object) => Invocation][] = [
  ["chat to chat", (model, more) => chat(model, more)],
  ["chat to messages", (model, more) => chat(model, more, "messages")],
  ["messages to chat", (model, more) => messages(model, more, "chat")],
  ["messages to messages", (model, more) => messages(model, more)],
];

describe.each(directions)("%s", (_name, make) => {
  test("whole: outcome, ID, usage whose parts do not overlap", async () => {
    const { text, outcome, error, contentType } = await provider.invoke(make("sim-cached-50"));
    expect(error).toBeUndefined();
    const answer = JSON.parse(text);
    expect(answer.id).toBe(outcome.messageId);
    expect(contentType).toBe("application/json");
    const { usage } = outcome;
    expect(usage?.estimated).toBe(false);
    expect(usage?.cachedInputTokens).toBeGreaterThan(0n);
    const input = answer.usage.prompt_tokens ?? answer.usage.input_tokens + answer.usage.cache_read_input_tokens;
    expect((usage?.inputTokens ?? 0n) + (usage?.cachedInputTokens ?? 0n)).toBe(BigInt(input));
    expect(outcome.attempts).toHaveLength(1);
    expect(outcome.attempts[0]?.upstreamRequestId).toMatch(/^req_sim_/);
    expect(outcome.firstByte).toBe(true);
  });

  test("streamed: the same text and usage as whole, the document for history", async () => {
    const whole = await provider.invoke(make("any"));
    const streamed = await provider.invoke(make("any", stream));
    expect(streamed.error).toBeUndefined();
    expect(streamed.outcome.usage).toEqual(whole.outcome.usage);
    expect(streamed.outcome.finishReason).toBe(whole.outcome.finishReason);
    const document = JSON.parse(Buffer.from(streamed.outcome.response).toString());
    const answer = JSON.parse(whole.text);
    expect(document.choices?.[0].message ?? document.content).toEqual(answer.choices?.[0].message ?? answer.content);
    expect(document.id).toBe(streamed.outcome.messageId);
    expect(streamed.outcome.timings?.upstreamChunks).toBeGreaterThan(3);
  });

  test.each(["sim-split-bytes", "sim-comments", "sim-no-done"])("%s changes nothing", async (model) => {
    const { error, text } = await provider.invoke(make(model, stream));
    expect(error).toBeUndefined();
    expect(text).toMatch(/\[DONE\]|message_stop/);
    const whole = await provider.invoke(make(model));
    expect(whole.error).toBeUndefined();
  });

  test("an upstream that counts nothing: counted by us, and said so", async () => {
    for (const more of [{}, stream]) {
      const { outcome, error } = await provider.invoke(make("sim-no-usage", more));
      expect(error).toBeUndefined();
      expect(outcome.usage?.estimated).toBe(true);
      expect(outcome.usage?.inputTokens).toBeGreaterThan(0n);
      expect(outcome.usage?.outputTokens).toBeGreaterThan(0n);
    }
  });

  test.each([
    ["sim-drop-stream", "upstream_error"],
    ["sim-malformed-chunk", "upstream_error"],
    ["sim-error-in-stream", undefined],
  ])("%s: the failure, and the usage of what was delivered", async (model, code) => {
    const { outcome, error, text } = await provider.invoke(make(`${model}+tokens-200`, stream));
    if (code === undefined) expect(["upstream_error", "upstream_overloaded"]).toContain(error?.code);
    else expect(error?.code).toBe(code);
    expect(text.length).toBeGreaterThan(100);
    expect(outcome.firstByte).toBe(true);
    expect(outcome.usage?.estimated).toBe(true);
    // Half of the 200 tokens were delivered; the estimate errs by a factor of about two.
    expect(Number(outcome.usage?.outputTokens)).toBeGreaterThan(40);
  });

  test.each([
    ["sim-error-in-200", "upstream_error"],
    ["sim-empty-body", "upstream_error"],
    ["sim-status-500", "upstream_error"],
    ["sim-status-429", "upstream_overloaded"],
    ["sim-status-529", "upstream_overloaded"],
    ["sim-status-401", "upstream_error"],
    ["sim-insufficient-quota", "upstream_error"],
    ["sim-context-length", "context_length_exceeded"],
    ["sim-status-400", "invalid_value"],
  ])("%s is %s, and nothing reaches the client", async (model, code) => {
    for (const more of [{}, stream]) {
      const { outcome, error, text } = await provider.invoke(make(model, more));
      expect(error?.code).toBe(code);
      expect(text).toBe("");
      expect(outcome.firstByte).toBe(false);
      expect(outcome.attempts[0]?.errorCode).toBe(code);
    }
  });

  test("cancelling closes the upstream's socket at once and still tells the usage", async () => {
    let frames = 0;
    let cancelledMs = 0;
    const { outcome, error } = await provider.invoke({
      ...make("sim-tokens-1000+slow-chunks-10", stream),
      onFrame(_data, cancel) {
        frames++;
        if (frames !== 5) return;
        cancelledMs = performance.now();
        cancel();
      },
    });
    const request = simulator.requests.at(-1);
    await simulator.nextClose(request?.id ?? "");
    expect(performance.now() - cancelledMs).toBeLessThan(500);
    expect(simulator.open).toBe(0);
    expect(error).toBeUndefined();
    expect(outcome.cancelled).toBe(true);
    expect(outcome.usage?.estimated).toBe(true);
    expect(outcome.usage?.outputTokens).toBeGreaterThan(0n);
    expect(outcome.usage?.outputTokens).toBeLessThan(200n);
  });
});

describe("what goes upstream", () => {
  test("the client's bytes, but for what must change; credentials, IDs and headers of the channel", async () => {
    const body = Buffer.from(
      '{ "model":"m",  "messages":[{"role":"user","content":"h\\u0069"}], "x_unknown": {"a": [1,  2]} }',
    );
    await provider.invoke({ dialect: "openai.chat", body, candidates: [{ channel: "chat", model: "up" }] });
    const request = simulator.requests.at(-1);
    expect(request?.body.toString()).toBe(body.toString().replace('"m"', '"up"'));
    expect(request?.headers).toMatchObject({ authorization: "Bearer secret-of-chat", "x-team": "blue" });
    expect(request?.headers["x-request-id"]).toMatch(/^\d{15,}$/);
    expect(request?.headers.traceparent).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-/);

    const own = Buffer.from('{"max_tokens":5, "model":"m","messages":[{"role":"user","content":"hi"}]}');
    await provider.invoke({
      dialect: "anthropic.messages",
      body: own,
      headers: { "anthropic-version": "2026-10-21", "anthropic-beta": "b" },
      candidates: [{ channel: "messages", model: "up" }],
    });
    const second = simulator.requests.at(-1);
    expect(second?.body.toString()).toBe(own.toString().replace('"m"', '"up"'));
    expect(second?.headers).toMatchObject({
      "x-api-key": "secret-of-messages",
      "anthropic-version": "2026-10-21",
      "anthropic-beta": "b",
    });
    expect(second?.headers.authorization).toBeUndefined();
  });

  test("usage reaches a client once and only when it asked for it", async () => {
    for (const channel of ["chat", "messages"]) {
      const without = await provider.invoke(chat("any", stream, channel));
      expect(without.text).not.toContain('"usage":{');
      expect(without.outcome.usage?.estimated).toBe(false);
      const asked = await provider.invoke(chat("any", { ...stream, stream_options: { include_usage: true } }, channel));
      expect(asked.text.split('"usage":{')).toHaveLength(2);
      expect(asked.text).toContain("latency_checkpoint");
      expect(asked.text.trimEnd().endsWith("data: [DONE]")).toBe(true);
    }
  });

  test("things dropped are noted on the outcome", async () => {
    const { outcome } = await provider.invoke(chat("any", { seed: 1 }, "messages"));
    expect(outcome.notes).toEqual(["seed dropped: the upstream's format has no such field"]);
  });
});

describe("failing over", () => {
  const over = (first: { channel: string; model: string }, more: object = {}): Invocation => ({
    ...chat("any", more),
    candidates: [first, { channel: "second", model: "good" }],
  });

  test.each([
    ["sim-status-500"],
    ["sim-status-429"],
    ["sim-status-401"],
    ["sim-insufficient-quota"],
    ["sim-drop-headers"],
    ["sim-error-in-200"],
    ["sim-empty-body"],
  ])("%s: the next candidate answers", async (model) => {
    for (const more of [{}, stream]) {
      const channel = freshChannel();
      const { outcome, error } = await provider.invoke(over({ channel, model }, more));
      expect(error).toBeUndefined();
      expect(outcome.candidate).toBe(1);
      expect(outcome.attempts.map(({ channel }) => channel)).toEqual([channel, "second"]);
      expect(outcome.attempts[0]?.errorCode).not.toBe("");
    }
  });

  test("a connection that is refused, and a format that cannot express the request", async () => {
    const refused = await provider.invoke(over({ channel: "nowhere", model: "any" }));
    expect(refused.error).toBeUndefined();
    const two = await provider.invoke(over({ channel: "messages", model: "any" }, { n: 2 }));
    expect(two.error).toBeUndefined();
    expect(JSON.parse(two.text).choices).toHaveLength(2);
  });

  test("never on the client's own mistake, nor after the first byte", async () => {
    const mistake = await provider.invoke(over({ channel: freshChannel(), model: "sim-context-length" }));
    expect(mistake.error?.code).toBe("context_length_exceeded");
    expect(mistake.outcome.attempts).toHaveLength(1);
    const late = await provider.invoke(over({ channel: freshChannel(), model: "sim-drop-stream" }, stream));
    expect(late.error?.code).toBe("upstream_error");
    expect(late.outcome.attempts).toHaveLength(1);
  });

  const broken = ["error-in-200", "error-in-stream", "malformed-chunk", "empty-body", "drop-stream", "status-500"];
  test.each(broken)("whatever failed, sim-%s too: the error has the upstream's request ID", async (what) => {
    for (const more of [{}, stream]) {
      const { error, outcome } = await provider.invoke(chat(`sim-${what}`, more, freshChannel()));
      expect(outcome.attempts).toHaveLength(1);
      expect(outcome.attempts[0]?.upstreamRequestId).toMatch(/^req_sim_/);
      expect(error?.upstreamRequestId).toBe(outcome.attempts[0]?.upstreamRequestId);
    }
  });

  test("all failed: the last one's error, and every attempt", async () => {
    const { error, outcome } = await provider.invoke({
      ...chat("any"),
      candidates: [
        { channel: freshChannel(), model: "sim-status-500" },
        { channel: freshChannel(), model: "sim-status-429" },
      ],
    });
    expect(error?.code).toBe("upstream_overloaded");
    expect(error?.retryAfterMs).toBe(1_000);
    expect(outcome.attempts).toHaveLength(2);
  });
});

describe("counting tokens", () => {
  const body = Buffer.from(JSON.stringify({ model: "m", max_tokens: 5, messages: user, system: "Be brief." }));
  const count = (channel: string, dialect = "anthropic.messages") =>
    provider.client.countTokens(
      {
        dialect,
        body,
        headers: { "anthropic-version": "2023-06-01" },
        requestId: provider.nextId(),
        candidates: [create(CandidateSchema, { channel, upstreamModel: "up" })],
      },
      { timeoutMs: 5_000 },
    );

  test("by the upstream that can, by estimate elsewhere", async () => {
    const native = await count("messages");
    expect(native).toMatchObject({ estimated: false });
    expect(native.upstreamRequestId).toMatch(/^req_sim_/);
    const request = simulator.requests.at(-1);
    expect(request?.path).toBe("/v1/messages/count_tokens");
    expect(JSON.parse(request?.body.toString() ?? "")).toEqual({ model: "up", messages: user, system: "Be brief." });
    const estimated = await count("chat");
    expect(estimated.estimated).toBe(true);
    expect(Math.abs(Number(estimated.inputTokens - native.inputTokens))).toBeLessThan(10);
  });

  test("of a chat request too", async () => {
    expect((await count("messages", "openai.chat")).estimated).toBe(false);
  });
});
