import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { promisify } from "node:util";
import { Ajv } from "ajv";
import OpenAI from "openai";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Deployment, startDeployment } from "../e2e/deployment.ts";
import { responsesTests } from "./responses.ts";

/*
 * The documents that the product comes from, as tests: every example request of the chat document (its answer checked
 * against the document's response schema), and the request-ID document's own clients with the base URL changed.
 */

const fixture = (name: string): unknown =>
  JSON.parse(readFileSync(new URL(`fixtures/${name}`, import.meta.url), "utf8"));
const examples = fixture("chat-examples.json") as { name: string; body: Record<string, unknown> }[];
const schema = fixture("chat-response-schema.json") as object;
const validate = new Ajv({ strict: false }).compile(schema);

let house: Deployment;
beforeAll(async () => {
  house = await startDeployment("up", { LOG_LEVEL: "warn", OPENAI_API_KEY: "" });
}, 60_000);
afterAll(() => house?.[Symbol.asyncDispose](), 60_000);

responsesTests(() => house);

function expectValid(answer: unknown): void {
  expect(validate(answer), JSON.stringify(validate.errors)).toBe(true);
}

describe("the chat document", () => {
  test("its own example answer fits its schema", () => expectValid(fixture("chat-response-example.json")));

  test.each(examples.map((example, index) => [`${index + 1}. ${example.name}`, example.body] as const))(
    "%s",
    async (_name, body) => {
      const whole = await house.call("/v1/chat/completions", { ...body, stream: false, stream_options: undefined });
      const answer: unknown = await whole.json();
      expect(whole.status, JSON.stringify(answer)).toBe(200);
      expectValid(answer);
      if (body.stream !== true) return;

      const streamed = await house.call("/v1/chat/completions", body);
      expect(streamed.headers.get("content-type")).toContain("text/event-stream");
      const events = (await streamed.text()).split("\n\n").filter((event) => event !== "");
      expect(events.at(-1)).toBe("data: [DONE]");
      const chunks = events
        .slice(0, -1)
        .map((event) => JSON.parse(event.slice(6)) as { choices: object[]; usage?: object });
      const asked = (body.stream_options as { include_usage?: boolean } | undefined)?.include_usage === true;
      const withUsage = chunks.filter((chunk) => chunk.usage);
      expect(withUsage).toHaveLength(asked ? 1 : 0);
      if (asked) {
        expect(chunks.at(-1)?.choices).toEqual([]);
        expect(withUsage[0]?.usage).toHaveProperty("latency_checkpoint.engine_ttft_ms");
      }
    },
  );
});

describe("the request-ID document", () => {
  test("the Node.js example, with the official package", async () => {
    const client = new OpenAI({ apiKey: house.key, baseURL: `${house.url}/v1` });
    const response = await client.chat.completions
      .create({ model: "gpt-4o", messages: [{ role: "user", content: "Hello" }] })
      .asResponse();
    const platformRequestId = response.headers.get("X-Oneapi-Request-Id");
    expect(platformRequestId).toMatch(/^\d+$/);
    expect(response.headers.get("request-id")).toBe(platformRequestId);
    expect(response.headers.get("x-request-id")).toBe(platformRequestId);
    const upstreamRequestId = response.headers.get("X-Upstream-Request-Id");
    expect(house.simulator.requests.find((request) => request.id === upstreamRequestId)?.clientRequestId).toBe(
      platformRequestId,
    );
  });

  test("the curl example", async () => {
    const { stdout } = await promisify(execFile)("curl", [
      "-si",
      `${house.url}/v1/chat/completions`,
      "-H",
      `Authorization: Bearer ${house.key}`,
      "-H",
      "Content-Type: application/json",
      "-d",
      '{"model": "gpt-4o", "messages": [{"role": "user", "content": "Hello"}]}',
    ]);
    const headers = new Map(
      stdout
        .split("\r\n")
        .filter((line) => line.includes(": "))
        .map((line) => [line.slice(0, line.indexOf(":")).toLowerCase(), line.slice(line.indexOf(":") + 2)]),
    );
    expect(headers.get("x-oneapi-request-id")).toMatch(/^\d+$/);
    expect(headers.get("request-id")).toBe(headers.get("x-oneapi-request-id"));
    expect(headers.get("x-upstream-request-id")).toMatch(/^req_sim_/);
  });

  test("errors carry the ID where the official package reads it", async () => {
    const client = new OpenAI({ apiKey: house.key, baseURL: `${house.url}/v1`, maxRetries: 0 });
    const error = await client.chat.completions
      .create({ model: "no-such-model", messages: [{ role: "user", content: "Hello" }] })
      .then(() => undefined)
      .catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(OpenAI.BadRequestError);
    if (!(error instanceof OpenAI.APIError)) return;
    expect(error.code).toBe("model_not_supported");
    expect(error.requestID).toMatch(/^\d+$/);
    expect((error.error as { request_id: string }).request_id).toBe(error.requestID);
  });

  test("a stream with the official package, and tools", async () => {
    const client = new OpenAI({ apiKey: house.key, baseURL: `${house.url}/v1` });
    const stream = client.chat.completions.stream({
      model: "gpt-4o",
      messages: [{ role: "user", content: "Hello" }],
      stream_options: { include_usage: true },
    });
    const completion = await stream.finalChatCompletion();
    expect(completion.id).toMatch(/^chatcmpl-\d+$/);
    expect(completion.choices[0]?.message.content).toContain("simulated");
    expect(completion.usage?.total_tokens).toBeGreaterThan(0);
  });
});

test("stamped IDs are shown where the deployment asks for them", async () => {
  await using stamped = await startDeployment("up", { REQUEST_ID_STYLE: "stamped", LOG_LEVEL: "warn" });
  const response = await stamped.call("/v1/chat/completions", {
    model: "gpt-4o",
    messages: [{ role: "user", content: "Hello" }],
  });
  const id = response.headers.get("x-oneapi-request-id") ?? "";
  expect(id).toMatch(/^\d{14}[a-z]{8}$/);
  expect(stamped.simulator.requests[0]?.headers["x-request-id"]).toBe(id);
}, 60_000);
