import { LLMock } from "@copilotkit/aimock";
import OpenAI from "openai";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Deployment, startDeployment } from "../e2e/deployment.ts";
import { embeddingsTests } from "./aimock/embeddings.ts";
import { moderationTests } from "./aimock/moderation.ts";
import { rerankTests } from "./aimock/rerank.ts";

/*
 * An upstream that this project did not write, as the channels that a vendor's key and address add. All modules share one Throughline,
 * which takes nearly three seconds of CPU to start and stop. One mode: test/e2e/walk.test.ts tries each module in both.
 */

const mock = new LLMock({ port: 0 });
let house: Deployment;
beforeAll(async () => {
  mock.onMessage("Hello", { content: "Hello from another house." });
  const url = await mock.start();
  house = await startDeployment("up", {
    OPENAI_API_KEY: "sk-of-the-mock",
    OPENAI_BASE_URL: `${url}/v1`,
    COHERE_API_KEY: "sk-of-the-mock",
    COHERE_BASE_URL: url,
    LOG_LEVEL: "warn",
  });
}, 60_000);
afterAll(async () => {
  await house?.[Symbol.asyncDispose]();
  await mock.stop();
}, 60_000);

const client = () => new OpenAI({ apiKey: house.key, baseURL: `${house.url}/v1`, maxRetries: 0 });
const messages = [{ role: "user" as const, content: "Hello" }];

test("answers whole", async () => {
  const answer = await client().chat.completions.create({ model: "gpt-4o", messages });
  expect(answer.choices[0]?.message.content).toBe("Hello from another house.");
  expect(answer.id).toBe(`chatcmpl-${answer._request_id}`);
});

test("answers as a stream", async () => {
  const stream = client().chat.completions.stream({ model: "gpt-4o", messages });
  expect((await stream.finalChatCompletion()).choices[0]?.message.content).toBe("Hello from another house.");
});

test("got our ID and its own credential", () => {
  const seen = mock.getRequests();
  expect(seen.length).toBeGreaterThan(0);
  for (const { headers } of seen) {
    const all = new Headers(headers as Record<string, string>);
    expect(all.get("x-request-id")).toMatch(/^\d+$/);
    expect(JSON.stringify(headers)).not.toContain(house.key);
  }
});

test("what the vendor's models do not serve still goes to the simulator", async () => {
  const answer = await client().chat.completions.create({ model: "sim-tokens-5", messages });
  expect(answer.usage?.completion_tokens).toBe(5);
});

const given = () => house;
embeddingsTests(given);
moderationTests(given, mock);
rerankTests(given, mock);
