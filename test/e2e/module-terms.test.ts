import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createSimulator, type Simulator } from "../../services/simulator/simulator.ts";
import { administer, adminKey, expectSoundBooks, openCustomer } from "./administration.ts";
import { type Deployment, eventually, startDeployment } from "./deployment.ts";

/*
 * The terms of rankings and moderations: what they cost by the search, by the token and by the request, what a strategy's
 * expression makes of their answers, and what a key may ask of them.
 */

let folder = "";
let upstream: Simulator;
let house: Deployment;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "throughline-terms-"));
  upstream = await createSimulator({});
  const config = join(folder, "throughline.yaml");
  await writeFile(
    config,
    `
strategies:
  - { name: by-search, prices: { search: "0.002" }, custom_response: "{best: results[0].index}" }
  - { name: by-token, prices: { input: "1.00" } }
  - { name: by-request, prices: { request: "0.001" }, custom_response: "{bad: results[].flagged}" }
models:
  - { name: by-search, module: rerank, strategy: by-search }
  - { name: by-token, module: rerank, strategy: by-token }
  - { name: judge, module: moderation, strategy: by-request }
channels:
  - { name: searches, adapter: cohere, base_url: "${upstream.url}", models: [by-search] }
  - { name: tokens, adapter: openai, base_url: "${upstream.url}/v1", models: [by-token, judge] }
`,
  );
  house = await startDeployment("up", { THROUGHLINE_CONFIG: config, THROUGHLINE_ADMIN_KEY: adminKey });
}, 90_000);
afterAll(async () => {
  await house?.[Symbol.asyncDispose]();
  await upstream.close();
  await rm(folder, { recursive: true, force: true });
}, 60_000);

const documents = Array.from({ length: 201 }, (_, index) => (index === 7 ? "a fine question" : `text ${index}`));
const ranking = (model: string) => ({ model, query: "a question", documents });

async function recordOf(response: Response): Promise<Record<string, unknown>> {
  expect(response.status).toBe(200);
  const id = response.headers.get("x-request-id");
  return eventually(async () => {
    const page = await house.call("/bp/ai/ai_request/history/query?page=1&page_size=100");
    const { data } = (await page.json()) as { data: Record<string, unknown>[] };
    return data.find((row) => row.request_id === id && row.status === "succeeded");
  });
}

test("by the search: 201 documents are three of them", async () => {
  const row = await recordOf(await house.call("/v2/rerank", ranking("by-search")));
  expect(row).toMatchObject({
    unit_price: { input_token: 0, output_token: 3, output_per_price: 0.002 },
    custom_response: { best: 7 },
    throughline: { billed_usd: "0.006", estimated: false, usage: { searches: 3 } },
  });
});

test("by the token: as the upstream counts them", async () => {
  const response = await house.call("/v1/rerank", ranking("by-token"));
  const { usage } = (await response.clone().json()) as { usage: { total_tokens: number } };
  const row = await recordOf(response);
  expect(row).toMatchObject({
    unit_price: { input_token: usage.total_tokens, output_token: 0, input_per_price: 1 },
    custom_response: null,
    throughline: { billed_usd: String(usage.total_tokens / 1_000_000) },
  });
});

test("a moderation that has a price costs it", async () => {
  const row = await recordOf(await house.call("/v1/moderations", { model: "judge", input: ["fine", "they kill"] }));
  expect(row).toMatchObject({ custom_response: { bad: [false, true] }, throughline: { billed_usd: "0.001" } });
});

test.each([
  ["rerank", "/v2/rerank", ranking("by-search")],
  ["moderation", "/v1/moderations", { model: "judge", input: "fine" }],
])("a key of the scope %s may ask that alone, as often as it may", async (scope, path, body) => {
  const key = { scopes: [scope], limits: { requests_per_minute: 1 } };
  const { headers } = await openCustomer(administer(house), { key });
  const chat = { model: "gpt-4o", messages: [{ role: "user", content: "Hello" }] };
  expect((await house.call("/v1/chat/completions", chat, headers)).status).toBe(403);
  expect((await house.call(path, body, headers)).status).toBe(200);
  const second = await house.call(path, body, headers);
  expect(second.status).toBe(429);
  expect(await second.json()).toMatchObject({ error: { code: "rate_limit_exceeded" } });
});

test("who cannot pay for the worst case is refused, and the books are sound", async () => {
  const { headers } = await openCustomer(administer(house), { creditUsd: "0.001" });
  expect((await house.call("/v2/rerank", ranking("by-search"), headers)).status).toBe(402);
  await expectSoundBooks(house);
});
