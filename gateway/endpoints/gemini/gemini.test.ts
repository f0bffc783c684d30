import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type {
  CountTokensRequest,
  CountTokensResponse,
  Frame,
  InvokeItem,
  Outcome,
} from "../../../shared/gen/throughline/provider/v1/provider_pb.ts";
import { streamHandler, unaryHandler } from "../../../shared/rpc/index.ts";
import { secrets, startTestGateway, type TestGateway, writeFrames } from "../../testing.ts";

/* Google's format at the edge: what of a request is read, how its answers and its errors look. */

const invoked: InvokeItem[] = [];
const events = ['data: {"a":"é"}\n\ndata: {"b":1}\n\n', 'data: {"c":1}\n', "\n"];
const invoke = streamHandler<InvokeItem, Frame, Outcome>(async ({ item }, out) => {
  invoked.push(item);
  writeFrames(out, item.stream ? events : ['{"ok":true}'], item.stream ? "text/event-stream" : undefined);
  return { usage: { inputTokens: 3n, outputTokens: 2n }, finishReason: "STOP", firstByte: true };
});
const countTokens = unaryHandler<CountTokensRequest, CountTokensResponse>(async ({ body }) => ({
  inputTokens: BigInt(body.length),
}));

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startTestGateway({ provider: { invoke, countTokens } });
});
afterAll(() => gateway[Symbol.asyncDispose]());

const contents = [{ role: "user", parts: [{ text: "Hello" }] }];
const at = (verb: string, model = "gpt-4o") => `/v1beta/models/${model}:${verb}`;
const ask = (verb: string, body: object, model?: string) => gateway.call(at(verb, model), body);

it("reads the model from the address, and the body in either spelling", async () => {
  const config = { max_output_tokens: 7, candidate_count: 2 };
  const tools = [{ function_declarations: [{ name: "f" }] }];
  expect((await ask("generateContent", { contents, generation_config: config, tools }, "a/b:c")).status).toBe(200);
  const { model, needs } = gateway.resolved.at(-1) ?? {};
  expect([model, needs?.maxOutputTokens, needs?.tools]).toEqual(["a/b:c", 7n, true]);
  expect(Buffer.from(invoked.at(-1)?.body ?? []).toString()).toContain("max_output_tokens");
  expect(invoked.at(-1)).toMatchObject({ dialect: "gemini", stream: false, model: "a/b:c" });
});

it("counts a picture as one, and not as text", async () => {
  const data = "A".repeat(400_000);
  const parts = [{ inlineData: { mimeType: "image/png", data } }];
  await ask("generateContent", { contents: [{ parts }] });
  expect(Number(gateway.resolved.at(-1)?.needs?.inputTokens)).toBeLessThan(5_000);
  expect(gateway.resolved.at(-1)?.needs?.vision).toBe(true);
});

it("streams as events where they are asked for, else as one list", async () => {
  const sse = await gateway.call(`${at("streamGenerateContent")}?alt=sse`, { contents });
  expect(sse.headers.get("content-type")).toContain("text/event-stream");
  expect(await sse.text()).toBe(events.join(""));
  const list = await ask("streamGenerateContent", { contents });
  expect(list.headers.get("content-type")).toContain("application/json");
  expect(await list.json()).toEqual([{ a: "é" }, { b: 1 }, { c: 1 }]);
});

it("counts the turns alone, or those of a request", async () => {
  const generateContentRequest = { model: "models/gpt-4o", contents };
  for (const body of [{ contents }, { generateContentRequest }]) {
    const response = await ask("countTokens", body);
    expect(((await response.json()) as { totalTokens: number }).totalTokens).toBeGreaterThan(20);
  }
});

describe("a mistake is told in Google's shape, with the platform's words in its details", () => {
  it.each([
    ["no turns", "generateContent", {}, "missing_required_field", "contents"],
    ["no turn", "generateContent", { contents: [] }, "invalid_value", "contents"],
    ["no turns to count", "countTokens", {}, "missing_required_field", "contents"],
    [
      "a bound of 0",
      "generateContent",
      { contents, generationConfig: { maxOutputTokens: 0 } },
      "invalid_value",
      "generationConfig.maxOutputTokens",
    ],
    [
      "two spellings",
      "generateContent",
      { contents, generationConfig: {}, generation_config: {} },
      "invalid_value",
      "generation_config",
    ],
    [
      "two spellings inside",
      "generateContent",
      { contents, generationConfig: { topK: 1, top_k: 2 } },
      "invalid_value",
      "generationConfig.top_k",
    ],
    ["nothing to embed", "embedContent", { content: { parts: [] } }, "invalid_value", "content.parts"],
    ["no batch", "batchEmbedContents", { requests: [] }, "invalid_value", "requests"],
  ])("%s", async (_name, verb, body, reason, param) => {
    const response = await ask(verb, body);
    const request_id = response.headers.get("x-request-id");
    expect([response.status, await response.json()]).toEqual([
      400,
      {
        error: {
          code: 400,
          message: expect.any(String),
          status: "INVALID_ARGUMENT",
          details: [expect.objectContaining({ reason, metadata: { request_id, param } })],
        },
      },
    ]);
  });

  it.each([
    ["an unknown verb", at("predict"), 404, "NOT_FOUND"],
    ["an unknown path", "/v1beta/files", 404, "NOT_FOUND"],
  ])("%s", async (_name, path, status, word) => {
    const response = await gateway.call(path, {});
    expect([response.status, await response.json()]).toMatchObject([status, { error: { code: status, status: word } }]);
  });
});

it("takes keys as Google's and Azure's clients send them", async () => {
  const post = (path: string, headers: Record<string, string>, body: object) =>
    fetch(gateway.url + path, {
      method: "POST",
      headers: { "content-type": "application/json", ...headers },
      body: JSON.stringify(body),
    });
  const messages = [{ role: "user", content: "x" }];
  const answers = [
    post(at("generateContent"), { "x-goog-api-key": secrets.api }, { contents }),
    post(`${at("generateContent")}?key=${secrets.api}`, {}, { contents }),
    post("/openai/v1/chat/completions", { "api-key": secrets.api }, { model: "m", messages }),
    post(
      "/openai/deployments/my-model/chat/completions?api-version=1",
      { "api-key": secrets.api },
      { model: "other", messages },
    ),
  ];
  expect((await Promise.all(answers)).map(({ status }) => status)).toEqual([200, 200, 200, 200]);
  expect(gateway.resolved.map(({ model }) => model)).toContain("my-model");
  expect(JSON.stringify(gateway.lines)).not.toContain(secrets.api);
});
