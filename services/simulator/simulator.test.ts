import { once } from "node:events";
import { request } from "undici";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { arrayOf, objectOf } from "./json.ts";
import { simulatedModels } from "./models.ts";
import { createSimulator, type Simulator } from "./simulator.ts";
import { eventsOf, post } from "./testing.ts";

let simulator: Simulator;
beforeEach(async () => {
  simulator = await createSimulator();
});
afterEach(() => simulator.close());

const messages = [{ role: "user", content: "hello" }];
const chat = (model: string, more: object = {}) =>
  post(simulator, "/v1/chat/completions", { model, messages, ...more });
const streamed = (model: string) => chat(model, { stream: true, stream_options: { include_usage: true } });

async function openStream(model: string, headers: Record<string, string> = {}) {
  return await request(`${simulator.url}/v1/chat/completions`, {
    method: "POST",
    headers,
    body: JSON.stringify({ model, messages, stream: true }),
  });
}

describe("the table of misbehaving models", () => {
  it("has an example for each line that is understood", async () => {
    for (const { example, meaning } of simulatedModels) {
      expect(meaning.length).toBeGreaterThan(10);
      if (/hang|drop|slow|large/.test(example)) continue;
      const { status, json } = await chat(example);
      const unknown = status === 404 && objectOf(json.error).param === "model";
      expect(unknown, example).toBe(false);
    }
  });

  it("answers 404 for a sim- name that is not in it, so that a typo is seen", async () => {
    for (const name of [
      "sim-nonsense",
      "sim-status-399",
      "sim-status-600",
      "sim-tokens",
      "sim-tokens-3+sim-nonsense",
    ]) {
      const { status, json } = await chat(name);
      expect([status, objectOf(json.error).code], name).toEqual([404, "model_not_found"]);
    }
  });
});

describe("errors before the answer", () => {
  it("gives every status its code, and Retry-After where usual", async () => {
    const expected: Record<number, [string, string | undefined]> = {
      400: ["invalid_request", undefined],
      401: ["invalid_api_key", undefined],
      404: ["model_not_found", undefined],
      418: ["invalid_request", undefined],
      429: ["rate_limit_exceeded", "1"],
      500: ["server_error", undefined],
      503: ["service_unavailable", "2"],
      529: ["overloaded", "2"],
    };
    for (const [status, [code, retryAfter]] of Object.entries(expected)) {
      const answer = await chat(`sim-status-${status}`);
      expect(answer.status).toBe(Number(status));
      expect(objectOf(answer.json.error).code).toBe(code);
      expect(answer.headers["retry-after"]).toBe(retryAfter);
      expect(answer.headers["x-request-id"]).toMatch(/^req_sim_/);
    }
    expect(objectOf((await chat("sim-insufficient-quota")).json.error).code).toBe("insufficient_quota");
    expect(objectOf((await chat("sim-context-length")).json.error).code).toBe("context_length_exceeded");
  });

  it("is flaky by exactly the percentage asked for", async () => {
    const statuses: number[] = [];
    for (let count = 0; count < 20; count += 1) statuses.push((await chat("sim-flaky-25")).status);
    expect(statuses.filter((status) => status === 503)).toHaveLength(5);
  });

  it("closes the socket without an answer", async () => {
    await expect(chat("sim-drop-headers")).rejects.toThrow();
  });
});

describe("misbehaviour inside the answer", () => {
  it("gives exactly the tokens asked for, one a chunk", async () => {
    const { json } = await chat("sim-tokens-137");
    expect(objectOf(json.usage).completion_tokens).toBe(137);
    const { text } = await streamed("sim-tokens-137");
    expect(eventsOf(text).filter((event) => event.includes('"content":" '))).toHaveLength(137);
    expect(text).toContain('"completion_tokens":137');
  });

  it("is large, malformed, empty, without usage, without end, filtered, cached", async () => {
    const large = await chat("sim-large-300");
    expect(String(objectOf(objectOf(arrayOf(large.json.choices)[0]).message).content)).toHaveLength(300_000);
    const broken = eventsOf((await streamed("sim-malformed-chunk")).text).filter((event) => {
      try {
        JSON.parse(event);
        return false;
      } catch {
        return event !== "[DONE]";
      }
    });
    expect(broken).toHaveLength(1);
    expect((await chat("sim-malformed-chunk")).json).toEqual({});
    expect((await chat("sim-no-usage")).text).not.toContain("_tokens");
    expect((await streamed("sim-no-usage")).text).not.toContain("_tokens");
    const endless = await streamed("sim-no-done");
    expect(endless.text).not.toContain("[DONE]");
    expect(endless.text).toContain('"completion_tokens"');
    expect((await chat("sim-empty-body")).text).toBe("");
    expect((await streamed("sim-empty-body")).text).toBe("");
    expect(objectOf((await chat("sim-empty")).json.usage).completion_tokens).toBe(0);
    expect((await chat("sim-content-filter")).text).toContain('"finish_reason":"content_filter"');
    const usage = objectOf((await chat("sim-cached-50")).json.usage);
    expect(objectOf(usage.prompt_tokens_details).cached_tokens).toBe(Math.floor(Number(usage.prompt_tokens) / 2));
  });

  it("puts errors into answers that began with 200", async () => {
    const whole = await chat("sim-error-in-200");
    expect([whole.status, objectOf(whole.json.error).code]).toEqual([200, "server_error"]);
    const events = eventsOf((await streamed("sim-error-in-stream")).text);
    expect(objectOf(JSON.parse(events.at(-1) ?? "").error).code).toBe("server_error");
    expect(events.length).toBeGreaterThan(5);
  });

  it("comments, tears bytes and combines without changing what is said", async () => {
    const plain = (await streamed("sim-tokens-20")).text.replaceAll(/"(id|created|model)":("[^"]*"|\d+)/g, "");
    for (const model of ["sim-tokens-20+comments", "sim-tokens-20+sim-split-bytes", "sim-tokens-20+slow-chunks-1"]) {
      const { text } = await streamed(model);
      expect(text.replaceAll(/: simulated keep-alive\n\n|"(id|created|model)":("[^"]*"|\d+)/g, "")).toBe(plain);
    }
    expect((await chat("sim-comments")).text.startsWith("\n\n{")).toBe(true);
  });

  it("drops in the middle, plain and streamed", async () => {
    for (const stream of [true, false]) {
      await expect(chat("sim-drop-stream", { stream })).rejects.toThrow();
      const record = simulator.requests.at(-1);
      expect(record?.sentUnits).toBeGreaterThan(0);
      expect(record?.finishedAtMs).toBe(0);
      expect(record?.clientClosedAtMs).toBe(0);
    }
  });

  it("is slow where it says so", async () => {
    const started = performance.now();
    const { body } = await openStream("sim-slow-first-token-120");
    const headAt = performance.now() - started;
    await once(body, "data");
    const firstAt = performance.now() - started;
    await body.dump();
    expect(headAt).toBeLessThan(100);
    expect(firstAt).toBeGreaterThan(115);
    const before = performance.now();
    await streamed("sim-tokens-10+slow-chunks-10");
    expect(performance.now() - before).toBeGreaterThan(95);
  });
});

describe("the record", () => {
  it("keeps headers, bytes and times, and finds a request by either ID", async () => {
    const answer = await post(
      simulator,
      "/v1/chat/completions",
      { model: "m", messages, odd: "é" },
      { "X-Request-Id": "767212140985061376", authorization: "Bearer sk-secret" },
    );
    const record = await simulator.nextRequest("767212140985061376");
    expect(record.id).toBe(answer.headers["x-request-id"]);
    expect(record.headers.authorization).toBe("Bearer sk-secret");
    expect(JSON.parse(record.body.toString()).odd).toBe("é");
    expect(record.receivedAtMs).toBeGreaterThan(Date.now() - 5_000);
    expect(record.answeredAtMs).toBeGreaterThanOrEqual(record.receivedAtMs);
    expect(record.clientClosedAtMs).toBe(0);
    const shown = await request(`${simulator.url}/sim/requests?id=${record.id}`);
    const page = await shown.body.text();
    expect(page).not.toContain("sk-secret");
    expect(arrayOf(JSON.parse(page).requests)).toHaveLength(1);
  });

  it("tells when the client left, in the middle of a stream and before the headers", async () => {
    const { body } = await openStream("sim-hang-stream", { "x-request-id": "leaves" });
    await once(body, "data");
    expect(simulator.open).toBe(1);
    const leftAt = Date.now();
    body.destroy();
    body.on("error", () => {});
    const closed = await simulator.nextClose("leaves");
    expect(closed.clientClosedAtMs).toBeGreaterThanOrEqual(leftAt - 1);
    expect(simulator.open).toBe(0);

    const controller = new AbortController();
    const waiting = request(`${simulator.url}/v1/chat/completions`, {
      method: "POST",
      headers: { "x-request-id": "early" },
      body: JSON.stringify({ model: "sim-hang-headers", messages }),
      signal: controller.signal,
    });
    const gone = expect(waiting).rejects.toThrow();
    await simulator.nextRequest("early");
    controller.abort();
    expect((await simulator.nextClose("early")).answeredAtMs).toBe(0);
    await gone;
  });

  it("is bounded", async () => {
    const small = await createSimulator({ maxRecords: 3 });
    for (let count = 0; count < 9; count += 1)
      await post(small, "/v1/chat/completions", { model: `m${count}`, messages });
    expect(small.requests.map((record) => JSON.parse(record.body.toString()).model)).toEqual(["m6", "m7", "m8"]);
    await small.close();
  });
});
