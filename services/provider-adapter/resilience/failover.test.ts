import { createServer, type RequestListener, type Server } from "node:http";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { createSimulator, type Simulator } from "../../simulator/simulator.ts";
import { type Invocation, type Invoked, startTestProvider, type TestProvider } from "../testing-provider.ts";

/** Channels a, b and c are at one simulator, told apart by a header. */
const chat = (more: object = {}) => ({ model: "gpt-4o", messages: [{ role: "user", content: "Hello" }], ...more });

describe("failover, breakers and cooldown of a provider", () => {
  let simulator: Simulator;
  let provider: TestProvider | undefined;
  beforeAll(async () => {
    // Hits are counted by what it remembers.
    simulator = await createSimulator({ maxRecords: 100_000 });
  });
  afterAll(() => simulator.close());
  afterEach(async () => {
    await provider?.[Symbol.asyncDispose]();
    provider = undefined;
    simulator.clear();
  });

  async function start(
    env: Readonly<Record<string, string>> = {},
    channels: Parameters<typeof startTestProvider>[0] = {},
  ): Promise<TestProvider> {
    const at = (name: string) => ({
      adapter: "openai",
      baseUrl: `${simulator.url}/v1`,
      headers: { "x-channel": name },
      headersTimeoutMs: 300,
    });
    provider = await startTestProvider(
      { a: at("a"), b: at("b"), c: at("c"), ...channels },
      { env: { UPSTREAM_PROBE_AFTER_MS: "200ms", ...env }, config: { reportMs: 50 } },
    );
    return provider;
  }

  const hits = (channel: string) => simulator.requests.filter(({ headers }) => headers["x-channel"] === channel).length;
  function ask(candidates: Record<string, string>, more: Partial<Invocation> = {}): Promise<Invoked> {
    if (provider === undefined) throw new Error("no provider");
    return provider.invoke({
      dialect: "openai.chat",
      body: chat(),
      candidates: Object.entries(candidates).map(([channel, model]) => ({ channel, model })),
      ...more,
    });
  }

  test.each([
    "sim-status-500",
    "sim-status-429",
    "sim-status-503",
    "sim-status-401",
    "sim-hang-headers",
    "sim-drop-headers",
  ])("%s at one channel: nobody sees an error, and it is soon left alone", async (model) => {
    await start({ UPSTREAM_PROBE_AFTER_MS: "30s" });
    for (let i = 0; i < 20; i++) {
      const { error, outcome } = await ask({ a: model, b: "ok" });
      expect(error).toBeUndefined();
      expect(outcome.attempts.at(-1)?.channel).toBe("b");
    }
    // Five faults in a row open the breaker; one refusal or one long wait is enough.
    // One that closes a kept connection gets the request once more, over a new one: all but the first were kept.
    const fives: Readonly<Record<string, number>> = { "sim-status-500": 5, "sim-drop-headers": 5 + 4 };
    const expected = fives[model] ?? 1;
    if (model === "sim-status-429" || model === "sim-status-503") expect(hits("a")).toBeLessThanOrEqual(3);
    else expect(hits("a")).toBe(expected);
    expect(hits("b")).toBe(20);
    const { outcome } = await ask({ a: "sim-status-400", b: "ok" });
    expect(outcome.notes).toEqual([expect.stringMatching(/^channel a skipped: (breaker open|cooling down)$/)]);
  });

  test("while it hangs there is one slow request a probe, whatever the number of requests", async () => {
    await start();
    const began = performance.now();
    let slow = 0;
    let asked = 0;
    // The breaker opens with the first; three probes fit in at 200, 400 and 800 ms behind each other.
    while (performance.now() - began < 2_500) {
      const startedMs = performance.now();
      const answers = await Promise.all(
        Array.from({ length: asked === 0 ? 1 : 4 }, () => ask({ a: "sim-hang-headers", b: "ok" })),
      );
      for (const { error } of answers) expect(error).toBeUndefined();
      asked += answers.length;
      if (performance.now() - startedMs > 290) slow++;
    }
    expect(hits("a")).toBe(slow);
    expect(slow).toBeGreaterThanOrEqual(2);
    expect(slow).toBeLessThanOrEqual(4);
    expect(asked).toBeGreaterThan(20);
  });

  test("one at which several wait in vain is left out long before the first of them times out", async () => {
    await start(
      { UPSTREAM_SILENCE_MS: "200ms" },
      { hangs: { adapter: "openai", baseUrl: `${simulator.url}/v1`, headersTimeoutMs: 1_500 } },
    );
    const waiting = Promise.all([1, 2, 3].map(() => ask({ hangs: "sim-hang-headers", b: "ok" })));
    const startedMs = performance.now();
    // Nobody has heard of the channel: these must not hang with the others.
    await new Promise((resolve) => setTimeout(resolve, 250));
    const { outcome } = await ask({ hangs: "sim-hang-headers", b: "ok" });
    expect(outcome.notes).toEqual(["channel hangs skipped: no answer for a while"]);
    expect(performance.now() - startedMs).toBeLessThan(1_000);
    for (const { error } of await waiting) expect(error).toBeUndefined();
    expect(simulator.requests.filter(({ body }) => body.includes("sim-hang-headers"))).toHaveLength(3);
  });

  test("traffic returns after recovery", async () => {
    const { reports } = await start();
    for (let i = 0; i < 6; i++) await ask({ a: "sim-status-500", b: "ok" });
    expect(hits("a")).toBe(5);
    simulator.clear();
    const deadline = performance.now() + 5_000;
    while (hits("a") < 10 && performance.now() < deadline) await ask({ a: "ok", b: "ok" });
    expect(hits("a")).toBe(10);
    // The probe went to a; from then on every request did.
    const { outcome } = await ask({ a: "ok", b: "ok" });
    expect(outcome.attempts.map(({ channel }) => channel)).toEqual(["a"]);
    await expect.poll(() => reports.flatMap(({ channels }) => channels).some(({ open }) => open)).toBe(true);
    await expect.poll(() => reports.at(-1)?.channels.some(({ open }) => open) ?? true).toBe(false);
  });

  test("when all are ill they are tried all the same, and the first success heals", async () => {
    await start({ UPSTREAM_PROBE_AFTER_MS: "30s" });
    for (let i = 0; i < 5; i++) expect((await ask({ a: "sim-status-500" })).error?.code).toBe("upstream_error");
    const { outcome, error } = await ask({ a: "ok" });
    expect(error).toBeUndefined();
    expect(outcome.notes).toEqual(["channel a skipped: breaker open"]);
    expect((await ask({ a: "ok" })).outcome.notes).toEqual([]);
  });

  test("one that was left out is the last resort when the others fail", async () => {
    await start({ UPSTREAM_PROBE_AFTER_MS: "30s" });
    for (let i = 0; i < 5; i++) await ask({ a: "sim-status-500", b: "ok" });
    const { outcome, error } = await ask({ a: "ok", b: "sim-status-502" });
    expect(error).toBeUndefined();
    expect(outcome.attempts.map(({ channel }) => channel)).toEqual(["b", "a"]);
  });

  test("never on the client's own mistakes, which say nothing of the channel", async () => {
    await start();
    for (let i = 0; i < 30; i++) {
      for (const model of ["sim-status-400", "sim-status-422", "sim-context-length", "sim-status-413"]) {
        const { outcome, error } = await ask({ a: model, b: "ok" });
        expect(error?.httpStatus).toBeLessThan(500);
        expect(outcome.attempts).toHaveLength(1);
      }
    }
    expect(hits("b")).toBe(0);
    expect((await ask({ a: "ok", b: "ok" })).outcome.notes).toEqual([]);
  });

  test("an unknown model goes on to the next channel and opens no breaker: clients can write any name", async () => {
    await start();
    for (let i = 0; i < 10; i++) expect((await ask({ a: "sim-status-404", b: "ok" })).error).toBeUndefined();
    expect(hits("a")).toBe(10);
  });

  test.each(["sim-drop-stream", "sim-error-in-stream"])("%s: never after the first byte", async (model) => {
    await start();
    const { outcome, error, text } = await ask({ a: model, b: "ok" }, { body: chat({ stream: true }) });
    expect(error?.code).toBe("upstream_error");
    expect(outcome.attempts).toHaveLength(1);
    expect(outcome.firstByte).toBe(true);
    expect(text).toContain("data: ");
    expect(hits("b")).toBe(0);
  });

  test("streams that break off open the breaker too, though each began well", async () => {
    await start({ UPSTREAM_PROBE_AFTER_MS: "30s" });
    for (let i = 0; i < 5; i++) await ask({ a: "sim-drop-stream", b: "ok" }, { body: chat({ stream: true }) });
    const { outcome } = await ask({ a: "ok", b: "ok" }, { body: chat({ stream: true }) });
    expect(outcome.notes).toEqual(["channel a skipped: breaker open"]);
  });

  test("a credential that is refused rests, and the channel's next one is tried", async () => {
    const seen: string[] = [];
    await using upstream = await listen((request, response) => {
      const key = String(request.headers.authorization);
      seen.push(key);
      if (key === "Bearer bad") response.writeHead(401).end('{"error":{"message":"no"}}');
      else if (key === "Bearer spent")
        response.writeHead(429, { "retry-after": "60" }).end('{"error":{"message":"slow"}}');
      else if (request.url === "/v1/chat/completions") {
        response.writeHead(200, { "content-type": "application/json" });
        response.end(
          '{"id":"x","choices":[{"index":0,"message":{"role":"assistant","content":"hi"},"finish_reason":"stop"}]}',
        );
      }
    });
    await start(
      {},
      {
        keys: { adapter: "openai", baseUrl: `${upstream.url}/v1`, credentials: ["spent", "bad", "fine"] },
      },
    );
    for (let i = 0; i < 12; i++) {
      const { error, outcome } = await ask({ keys: "m", b: "ok" });
      expect(error).toBeUndefined();
      expect(outcome.attempts.at(-1)?.channel).toBe("keys");
    }
    expect(seen.filter((key) => key !== "Bearer fine").sort()).toEqual(["Bearer bad", "Bearer spent"]);
    expect(hits("b")).toBe(0);
  });

  test("comments do not count as a first event: the next channel is tried in time", async () => {
    await using upstream = await listen((_request, response) => {
      response.writeHead(200, { "content-type": "text/event-stream" });
      const timer = setInterval(() => response.write(": keep-alive\n\n"), 20);
      response.on("close", () => clearInterval(timer));
    });
    await start(
      { UPSTREAM_FIRST_TOKEN_TIMEOUT_MS: "200ms" },
      { queued: { adapter: "openai", baseUrl: `${upstream.url}/v1` } },
    );
    const startedMs = performance.now();
    const { outcome, error, text } = await ask({ queued: "m", b: "ok" }, { body: chat({ stream: true }) });
    expect(error).toBeUndefined();
    expect(text).toContain("[DONE]");
    expect(performance.now() - startedMs).toBeLessThan(1_000);
    expect(outcome.attempts.map(({ channel, errorCode }) => [channel, errorCode])).toEqual([
      ["queued", "upstream_timeout"],
      ["b", ""],
    ]);
    // Slow streams are not touched once they have begun.
    const slow = await ask({ c: "sim-slow-chunks-100+tokens-5" }, { body: chat({ stream: true }) });
    expect(slow.error).toBeUndefined();
  });

  test("every attempt is an operation of the GenAI metrics, and broken channels are counted", async () => {
    const { telemetry } = await start({ UPSTREAM_PROBE_AFTER_MS: "30s" });
    await ask({ a: "sim-hang-headers", b: "ok" }, { body: chat({ stream: true }) });
    const value = async (line: RegExp) => Number(line.exec(await telemetry.metricsText())?.[1] ?? -1);
    const broken = /^throughline_channels_broken\{owner="provider-adapter"\S*\} (\d+)/m;
    await expect.poll(() => value(broken)).toBe(1);
    const operations =
      /^gen_ai_client_operation_duration_seconds_count\{(?!.*error_type).*gen_ai_provider_name="b".*\} (\d+)/m;
    const failures =
      /^gen_ai_client_operation_duration_seconds_count\{.*gen_ai_provider_name="a".*error_type="upstream_timeout".*\} (\d+)/m;
    const firstChunks =
      /^gen_ai_client_operation_time_to_first_chunk_seconds_count\{.*gen_ai_provider_name="b".*\} (\d+)/m;
    const tokens =
      /^gen_ai_client_token_usage_count\{.*gen_ai_provider_name="b".*gen_ai_token_type="output".*\} (\d+)/m;
    for (const line of [operations, failures, firstChunks, tokens]) expect(await value(line), String(line)).toBe(1);
  });

  test("routing hears of what was used or is ill, once of nothing, and at the end is told to forget", async () => {
    const { reports } = await start({ UPSTREAM_PROBE_AFTER_MS: "30s" });
    await ask({ b: "ok" });
    await expect.poll(() => reports.length).toBe(2);
    expect(reports[0]?.channels).toMatchObject([{ channel: "b", attempts: 1, failures: 0, open: false }]);
    expect(reports[0]?.channels[0]?.firstByteMs).toBeGreaterThan(0);
    expect(reports[1]?.channels).toEqual([]);
    await ask({ a: "sim-hang-headers", b: "ok" });
    await expect.poll(() => reports.length).toBeGreaterThan(5);
    expect(reports.at(-1)?.channels).toMatchObject([{ channel: "a", attempts: 0, open: true }]);
    await provider?.[Symbol.asyncDispose]();
    provider = undefined;
    expect(reports.at(-1)?.channels).toEqual([]);
  });
});

async function listen(listener: RequestListener): Promise<AsyncDisposable & { url: string }> {
  const server: Server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  return {
    url: `http://127.0.0.1:${port}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
