import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { createSimulator, type Simulator } from "../../services/simulator/simulator.ts";
import { type Deployment, eventually, startDeployment } from "./deployment.ts";

/*
 * Three channels of one model at three upstreams, weights 3, 2 and 1. One of them misbehaves, is mended by an edit of the
 * configuration, and gets its share back; no client sees an error.
 */

const weights = [3, 2, 1] as const;
const headersTimeoutMs = 400;
const chat = (more: object = {}) => ({ model: "gpt-4o", messages: [{ role: "user", content: "Hello" }], ...more });

/** Bounds of a channel, an upstream that each is for, and whether the client has content before it ends the wait. */
const bounds = [
  { bound: "headers_ms", model: "gpt-4.1", sent: "sim-hang-headers", begun: false, stream: false },
  { bound: "first_token_ms", model: "gpt-4.1-mini", sent: "sim-slow-first-token-30000", begun: false, stream: true },
  { bound: "chunk_ms", model: "gpt-4.1-nano", sent: "sim-hang-stream", begun: true, stream: true },
  { bound: "body_ms", model: "gpt-4o-mini", sent: "sim-hang-stream", begun: false, stream: false },
] as const;

describe("one of three channels misbehaves", () => {
  const upstreams: Simulator[] = [];
  let folder = "";
  let house: Deployment;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "throughline-failover-"));
    for (const _ of weights) upstreams.push(await createSimulator({ maxRecords: 5_000 }));
    await configure("gpt-4o");
    house = await startDeployment("up", {
      THROUGHLINE_CONFIG: join(folder, "throughline.yaml"),
      OPENAI_API_KEY: "",
      CONFIG_POLL_MS: "50ms",
      UPSTREAM_PROBE_AFTER_MS: "500ms",
    });
  }, 90_000);
  afterAll(async () => {
    await house?.[Symbol.asyncDispose]();
    for (const upstream of upstreams) await upstream.close();
    await rm(folder, { recursive: true, force: true });
  }, 60_000);
  afterEach(() => {
    for (const upstream of upstreams) upstream.clear();
  });

  /** The first channel, of half of the traffic, gets this model sent; the others are well. */
  async function configure(first: string): Promise<void> {
    const channels = upstreams.map(
      ({ url }, i) => `
  - name: channel-${i}
    adapter: openai
    base_url: ${url}/v1
    weight: ${weights[i]}
    timeouts: { headers_ms: ${headersTimeoutMs} }
    models: { gpt-4o: ${i === 0 ? first : "gpt-4o"} }`,
    );
    const slow = bounds.map(
      ({ bound, model, sent }) => `
  - name: slow-${bound}
    adapter: openai
    base_url: ${upstreams[0]?.url}/v1
    priority: 10
    timeouts: { ${bound}: 200 }
    models: { ${model}: ${sent} }`,
    );
    const well = `
  - name: well
    adapter: openai
    base_url: ${upstreams[1]?.url}/v1
    models: { ${bounds.map(({ model }) => `${model}: gpt-4o`).join(", ")} }`;
    await writeFile(join(folder, "throughline.yaml"), `channels:${[...channels, ...slow, well].join("")}\n`);
  }

  interface Asked {
    readonly status: number;
    readonly id: string;
  }

  async function ask(body: object = chat()): Promise<Asked> {
    const response = await house.call("/v1/chat/completions", body);
    await response.text();
    const id = response.headers.get("x-oneapi-request-id") ?? "";
    return { status: response.status, id };
  }

  /** So many requests, a few at once. */
  async function askMany(count: number, body?: object): Promise<Asked[]> {
    const answers: Asked[] = [];
    while (answers.length < count) answers.push(...(await Promise.all(Array.from({ length: 5 }, () => ask(body)))));
    return answers;
  }

  const hits = () => upstreams.map(({ requests }) => requests.length);

  /** Chi-squared of the hits against the weights, 2 degrees of freedom: above 23 once in 100,000 runs; equal shares would be 26 of 120. */
  function chiSquared(counts: readonly number[]): number {
    const total = counts.reduce((sum, count) => sum + count, 0);
    return counts.reduce((sum, count, i) => {
      const expected = (total * (weights[i] ?? 0)) / 6;
      return sum + (count - expected) ** 2 / expected;
    }, 0);
  }

  /** Waits until the first channel has its share again, of the mended configuration. */
  async function healed(): Promise<void> {
    await eventually(async () => {
      for (const upstream of upstreams) upstream.clear();
      await askMany(20);
      const first = upstreams[0]?.requests ?? [];
      const well = first.every(({ body, finishedAtMs }) => body.includes('"gpt-4o"') && finishedAtMs > 0);
      return well && first.length >= 3 ? true : undefined;
    }, 15_000);
  }

  async function configureAndWait(first: string): Promise<void> {
    await configure(first);
    await eventually(async () => {
      await askMany(5);
      return upstreams[0]?.requests.some(({ body }) => body.includes(`"${first}"`)) ? true : undefined;
    }, 15_000);
  }

  test.each(bounds)("which bound ended the wait stands on the record: $bound", async (slow) => {
    const { bound, model, begun, stream } = slow;
    const { id } = await ask({ ...chat({ stream }), model });
    const life = await eventually(async () => {
      const response = await house.call(`/v1/requests/${id}`);
      const read = (await response.json()) as { status: string };
      return read.status === "succeeded" || read.status === "failed" ? read : undefined;
    });
    const ended = begun
      ? { status: "failed", error: { code: "upstream_timeout" }, channel: `slow-${bound}` }
      : { status: "succeeded", error: null, channel: "well" };
    expect(life).toMatchObject({
      ...ended,
      attempts: [
        {
          channel: `slow-${bound}`,
          fault: { kind: bound.replace(/_ms$/, "_timeout") },
          error: { code: "upstream_timeout" },
        },
        ...(begun ? [] : [{ channel: "well", fault: null, error: null }]),
      ],
    });
  });

  test("the shares of healthy channels follow their weights", async () => {
    const answers = await askMany(300);
    expect(answers.every(({ status }) => status === 200)).toBe(true);
    const counts = hits();
    expect(counts.reduce((sum, count) => sum + count, 0)).toBe(answers.length);
    expect(chiSquared(counts), counts.join(" : ")).toBeLessThan(23);
  });

  test.each(["sim-status-500", "sim-status-429", "sim-status-503"])(
    "%s: no client error, the others share its traffic, and it gets its share back",
    async (model) => {
      await configureAndWait(model);
      const answers = await askMany(80);
      expect(answers.filter(({ status }) => status !== 200)).toEqual([]);
      for (const upstream of upstreams) upstream.clear();
      const later = await askMany(60);
      expect(later.filter(({ status }) => status !== 200)).toEqual([]);
      const [first = 0, second = 0, third = 0] = hits();
      // Only probes go there now.
      expect(first).toBeLessThanOrEqual(10);
      expect(second + third).toBe(60);

      await configure("gpt-4o");
      await healed();
      for (const upstream of upstreams) upstream.clear();
      await askMany(120);
      expect(chiSquared(hits()), hits().join(" : ")).toBeLessThan(23);
    },
    60_000,
  );

  test("hanging before the head: no client error, and one request waits at a time", async () => {
    await configureAndWait("sim-hang-headers");
    for (const upstream of upstreams) upstream.clear();
    const answers = await askMany(150);
    expect(answers.filter(({ status }) => status !== 200)).toEqual([]);
    // Only probes waited, and they go one at a time: the times of their waiting do not overlap.
    const probes = upstreams[0]?.requests ?? [];
    const asked = new Set(answers.map(({ id }) => id));
    expect(probes.filter(({ headers }) => !asked.has(headers["x-request-id"] ?? ""))).toEqual([]);
    for (const [i, probe] of probes.entries()) {
      const next = probes[i + 1];
      if (next !== undefined) expect(next.receivedAtMs).toBeGreaterThan(probe.clientClosedAtMs);
    }
    expect(probes.length).toBeLessThanOrEqual(8);

    await configure("gpt-4o");
    await healed();
  }, 60_000);

  test("the record names the attempts and the channel that was left out", async () => {
    await healed();
    await configureAndWait("sim-status-500");
    const failed = upstreams[0]?.requests.find(({ status }) => status === 500);
    const first = await life(failed?.headers["x-request-id"] ?? "");
    expect(first.attempts).toMatchObject([
      { channel: "channel-0", http_status: 500, error: { code: "upstream_error" } },
      { http_status: 200, error: null },
    ]);
    // Routing hears of it within a second; until then the provider itself leaves it out.
    const later = await eventually(async () => {
      const { id } = await ask();
      const told = JSON.stringify(await life(id));
      return told.includes("breaker open") ? told : undefined;
    });
    expect(later).toMatch(/channel-0 skipped: breaker open|breaker open, tried last/);
    await configure("gpt-4o");
    await healed();
  }, 60_000);

  /** All that is told of one request. */
  function life(id: string): Promise<{ status: string; attempts: unknown[] }> {
    return eventually(async () => {
      const response = await house.call(`/v1/requests/${id}`);
      const told = (await response.json()) as { status: string; attempts: unknown[] };
      return response.status === 200 && told.status === "succeeded" ? told : undefined;
    });
  }

  test("never after the first byte, never on the client's mistake", async () => {
    await configure("sim-drop-stream");
    const id = await eventually(async () => {
      const answer = await ask(chat({ stream: true }));
      expect(answer.status).toBe(200);
      const dropped = upstreams[0]?.requests.find(({ body }) => body.includes('"sim-drop-stream"'));
      return dropped?.headers["x-request-id"];
    });
    const elsewhere = upstreams.slice(1).flatMap(({ requests }) => requests);
    expect(elsewhere.filter(({ headers }) => headers["x-request-id"] === id)).toEqual([]);

    await configure("gpt-4o");
    await healed();
    await configureAndWait("sim-status-400");
    for (const upstream of upstreams) upstream.clear();
    const answers = await askMany(60);
    const refused = answers.filter(({ status }) => status === 400);
    expect(refused.length).toBe(upstreams[0]?.requests.length);
    expect(refused.length).toBeGreaterThan(10);
    expect(hits().reduce((sum, count) => sum + count, 0)).toBe(60);
    await configure("gpt-4o");
  }, 60_000);
});
