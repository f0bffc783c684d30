import { once } from "node:events";
import { createServer, type Server } from "node:http";
import { json } from "node:stream/consumers";
import Anthropic from "@anthropic-ai/sdk";
import OpenAI from "openai";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startTestEdge, type TestEdge } from "../../testing-edge.ts";
import { startTestProvider, type TestProvider } from "../../testing-provider.ts";

/*
 * What the vendor signed must come back on the part that it was given with, or the next turn is refused. Neither upstream
 * of the tests signs as Gemini does, so this one answers what the vendor's documentation shows.
 */

const turn = [
  { text: "I should look.", thought: true },
  { functionCall: { name: "weather", args: { city: "Paris" } }, thoughtSignature: "Y2FsbA==" },
  { functionCall: { name: "weather", args: { city: "Rome" } } },
];
const finale = [{ text: "Sunny." }, { text: "", thoughtSignature: "dGV4dA==" }];

let server: Server;
let provider: TestProvider;
let edge: TestEdge;
let bodies: { contents: { role: string; parts: Record<string, unknown>[] }[] }[] = [];

beforeAll(async () => {
  server = createServer(async (request, response) => {
    const body = (await json(request)) as (typeof bodies)[number];
    bodies.push(body);
    const last = body.contents.at(-1)?.parts ?? [];
    const parts = last.some((part) => "functionResponse" in part) ? finale : turn;
    const chunk = (pieces: object[], finishReason?: string) => ({
      candidates: [{ content: { role: "model", parts: pieces }, ...(finishReason ? { finishReason } : {}), index: 0 }],
      usageMetadata: { promptTokenCount: 5, candidatesTokenCount: 5, totalTokenCount: 10 },
      modelVersion: "gemini-3-pro-preview",
      responseId: `r${bodies.length}`,
    });
    if (request.url?.includes("alt=sse")) {
      response.writeHead(200, { "content-type": "text/event-stream" });
      for (const part of parts) response.write(`data: ${JSON.stringify(chunk([part]))}\n\n`);
      response.end(`data: ${JSON.stringify(chunk([{ text: "" }], "STOP"))}\n\n`);
    } else {
      response.writeHead(200, { "content-type": "application/json" });
      response.end(JSON.stringify(chunk(parts, "STOP")));
    }
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  provider = await startTestProvider({ google: { adapter: "gemini", baseUrl: `http://127.0.0.1:${port}/v1beta` } });
  edge = await startTestEdge(provider);
});
afterAll(async () => {
  await edge[Symbol.asyncDispose]();
  await provider[Symbol.asyncDispose]();
  server.close();
});

const settings = () => ({ apiKey: "k", maxRetries: 0, defaultHeaders: { "x-channel": "google" } });
const openai = () => new OpenAI({ ...settings(), baseURL: `${edge.url}/v1` });
const anthropic = () => new Anthropic({ ...settings(), baseURL: edge.url });
const model = "gemini-3-pro-preview";
const parameters = { type: "object" as const, properties: { city: { type: "string" } } };

/** Three turns in a dialect: a question, results, a last word. */
const talks: Readonly<Record<string, (stream: boolean) => Promise<void>>> = {
  async "openai.chat"(stream) {
    const messages: OpenAI.ChatCompletionMessageParam[] = [{ role: "user", content: "weather?" }];
    const tools: OpenAI.ChatCompletionFunctionTool[] = [
      { type: "function", function: { name: "weather", parameters } },
    ];
    const say = async () => {
      const { chat } = openai();
      const answer = stream
        ? await chat.completions.stream({ model, messages, tools }).finalChatCompletion()
        : await chat.completions.create({ model, messages, tools });
      const message = answer.choices[0]?.message;
      messages.push(message as OpenAI.ChatCompletionMessageParam);
      return message?.tool_calls ?? [];
    };
    for (const { id } of await say()) messages.push({ role: "tool", tool_call_id: id, content: "sunny" });
    await say();
    messages.push({ role: "user", content: "thanks" });
    await say();
  },
  async "anthropic.messages"(stream) {
    const messages: Anthropic.MessageParam[] = [{ role: "user", content: "weather?" }];
    const request = { model, max_tokens: 1_000, tools: [{ name: "weather", input_schema: parameters }] };
    const say = async () => {
      const answer = stream
        ? await anthropic()
            .messages.stream({ ...request, messages })
            .finalMessage()
        : await anthropic().messages.create({ ...request, messages });
      messages.push({ role: "assistant", content: answer.content as Anthropic.ContentBlockParam[] });
      return answer.content.flatMap((block) => (block.type === "tool_use" ? [block.id] : []));
    };
    const ids = await say();
    messages.push({
      role: "user",
      content: ids.map((id) => ({ type: "tool_result", tool_use_id: id, content: "sunny" })),
    });
    await say();
    messages.push({ role: "user", content: "thanks" });
    await say();
  },
  async "openai.responses"(stream) {
    const input: OpenAI.Responses.ResponseInputItem[] = [{ role: "user", content: "weather?" }];
    const tools: OpenAI.Responses.Tool[] = [{ type: "function", name: "weather", parameters, strict: false }];
    const say = async () => {
      const answer: OpenAI.Responses.Response = stream
        ? await openai().responses.stream({ model, input, tools }).finalResponse()
        : await openai().responses.create({ model, input, tools });
      input.push(...(answer.output as OpenAI.Responses.ResponseInputItem[]));
      return answer.output.flatMap((item) => (item.type === "function_call" ? [item.call_id] : []));
    };
    for (const id of await say()) input.push({ type: "function_call_output", call_id: id, output: "sunny" });
    await say();
    input.push({ role: "user", content: "thanks" });
    await say();
  },
};

describe.each(Object.keys(talks))("%s", (dialect) => {
  test.each([false, true])(
    "signatures come back on the parts that they were given with (streamed: %s)",
    async (stream) => {
      bodies = [];
      await talks[dialect]?.(stream);
      expect(bodies).toHaveLength(3);
      const [, second, third] = bodies;
      const called = second?.contents
        .find(({ role }) => role === "model")
        ?.parts.filter((part) => "functionCall" in part);
      expect(called?.map(({ thoughtSignature }) => thoughtSignature)).toEqual(["Y2FsbA==", undefined]);
      const ids = called?.map(({ functionCall }) => Reflect.get(Object(functionCall), "id"));
      expect(new Set(ids).size).toBe(2);
      const results = second?.contents.at(-1)?.parts.map(({ functionResponse }) => functionResponse);
      expect(results).toEqual(ids?.map((id) => ({ id, name: "weather", response: { output: "sunny" } })));
      // The signature of a text stands in a part of its own, in the turn of that text.
      const said = third?.contents.filter(({ role }) => role === "model").at(-1)?.parts ?? [];
      expect(said).toContainEqual({ text: "", thoughtSignature: "dGV4dA==" });
      expect(said).toContainEqual({ text: "Sunny." });
    },
  );
});

test("calls that another vendor's model made are sent with the word that stands for a foreign signature", async () => {
  bodies = [];
  await openai().chat.completions.create({
    model,
    messages: [
      { role: "user", content: "weather?" },
      {
        role: "assistant",
        tool_calls: ["a", "b"].map((id) => ({
          id,
          type: "function",
          function: { name: "weather", arguments: "{}" },
        })),
      },
      { role: "tool", tool_call_id: "a", content: "sunny" },
      { role: "tool", tool_call_id: "b", content: "sunny" },
    ],
  });
  const signatures = bodies[0]?.contents[1]?.parts.map(({ thoughtSignature }) => thoughtSignature);
  expect(signatures).toEqual(["skip_thought_signature_validator", undefined]);
});

test("a blocked prompt is the client's to change", async () => {
  const blocked = createServer((_request, response) => {
    response.writeHead(200, { "content-type": "application/json" });
    response.end('{"promptFeedback":{"blockReason":"PROHIBITED_CONTENT"},"responseId":"r"}');
  });
  blocked.listen(0, "127.0.0.1");
  await once(blocked, "listening");
  const address = blocked.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  const own = await startTestProvider({ google: { adapter: "gemini", baseUrl: `http://127.0.0.1:${port}` } });
  try {
    const { error } = await own.invoke({
      dialect: "openai.chat",
      body: { model: "m", messages: [{ role: "user", content: "x" }] },
      candidates: [{ channel: "google", model }],
    });
    expect(error).toMatchObject({ code: "invalid_value", message: expect.stringContaining("PROHIBITED_CONTENT") });
  } finally {
    await own[Symbol.asyncDispose]();
    blocked.close();
  }
});
