import { Ajv } from "ajv";
import OpenAI from "openai";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { arrayOf, objectOf } from "../json.ts";
import { createSimulator, type Simulator } from "../simulator.ts";
import { eventsOf, post } from "../testing.ts";

let simulator: Simulator;
let client: OpenAI;
beforeAll(async () => {
  simulator = await createSimulator();
  client = new OpenAI({ apiKey: "sk-test", baseURL: `${simulator.url}/v1`, maxRetries: 0 });
});
afterAll(() => simulator.close());

const hello = [{ role: "user" as const, content: "hello there" }];
const weather = {
  type: "function" as const,
  function: {
    name: "get_weather",
    parameters: {
      type: "object",
      properties: { city: { type: "string" }, days: { type: "integer", minimum: 3 }, unit: { enum: ["c", "f"] } },
      required: ["city"],
    },
  },
};

describe("chat completions", () => {
  it("answers with its labels, an ID, usage that adds up, and the same text for the same input", async () => {
    const first = await post(simulator, "/v1/chat/completions", { model: "m", messages: hello });
    expect(first.status).toBe(200);
    expect(first.headers["x-throughline-simulator"]).toBe("1");
    expect(first.headers["x-request-id"]).toMatch(/^req_sim_/);
    expect(first.json.system_fingerprint).toBe("throughline-simulator");
    const message = objectOf(objectOf(arrayOf(first.json.choices)[0]).message);
    expect(message.content).toContain("simulated");
    expect(message.content).toContain("hello there");
    expect(message.refusal).toBeNull();
    const usage = objectOf(first.json.usage);
    expect(usage.total_tokens).toBe(Number(usage.prompt_tokens) + Number(usage.completion_tokens));
    const second = await post(simulator, "/v1/chat/completions", { model: "m", messages: hello });
    expect(second.json.choices).toEqual(first.json.choices);
    expect(second.headers["x-request-id"]).not.toBe(first.headers["x-request-id"]);
    const other = await post(simulator, "/v1/chat/completions", {
      model: "m",
      messages: [{ role: "user", content: "bye" }],
    });
    expect(other.json.choices).not.toEqual(first.json.choices);
  });

  it("streams what it would have answered whole, for text, n, reasoning and logprobs", async () => {
    const ask = {
      model: "m",
      messages: hello,
      n: 2,
      reasoning_effort: "low" as const,
      logprobs: true,
      top_logprobs: 2,
    };
    const whole = await client.chat.completions.create(ask);
    const events = { stream: true, stream_options: { include_usage: true } } as const;
    const chunks: OpenAI.ChatCompletionChunk[] = [];
    for await (const chunk of await client.chat.completions.create({ ...ask, ...events })) chunks.push(chunk);
    for (const choice of whole.choices) {
      const deltas = chunks.flatMap((chunk) => chunk.choices.filter(({ index }) => index === choice.index));
      expect(deltas[0]?.delta.role).toBe("assistant");
      expect(deltas.map(({ delta }) => delta.content ?? "").join("")).toBe(choice.message.content);
      const reasoning = deltas.map(({ delta }) => objectOf(delta).reasoning_content ?? "").join("");
      expect(reasoning).toBe(objectOf(choice.message).reasoning_content);
      expect(deltas.flatMap(({ logprobs }) => logprobs?.content ?? [])).toEqual(choice.logprobs?.content);
      expect(choice.logprobs?.content?.[0]?.top_logprobs).toHaveLength(2);
      expect(deltas.at(-1)?.finish_reason).toBe("stop");
    }
    expect(whole.choices[0]?.message.content).not.toBe(whole.choices[1]?.message.content);
    expect(chunks.at(-1)?.usage).toEqual(whole.usage);
    expect(chunks.slice(0, -1).every((chunk) => chunk.usage === null)).toBe(true);
    expect(whole.usage?.completion_tokens_details?.reasoning_tokens).toBe(16);
  });

  it("sends usage in a stream only when asked, and ends with [DONE]", async () => {
    const { text } = await post(simulator, "/v1/chat/completions", { model: "m", messages: hello, stream: true });
    expect(text).not.toContain("usage");
    expect(text.endsWith("data: [DONE]\n\n")).toBe(true);
  });

  it("calls a tool with arguments that its schema accepts: when asked to, when required, when named", async () => {
    const asks = [
      { messages: [{ role: "user", content: "please call the tool" }] },
      { messages: hello, tool_choice: "required" },
      { messages: hello, tool_choice: { type: "function", function: { name: "get_weather" } } },
    ];
    for (const ask of asks) {
      const { json } = await post(simulator, "/v1/chat/completions", { model: "m", tools: [weather], ...ask });
      const choice = objectOf(arrayOf(json.choices)[0]);
      expect(choice.finish_reason).toBe("tool_calls");
      const message = objectOf(choice.message);
      expect(message.content).toBeNull();
      const call = objectOf(arrayOf(message.tool_calls)[0]);
      expect(call.type).toBe("function");
      const args = JSON.parse(String(objectOf(call.function).arguments));
      expect(new Ajv().validate(weather.function.parameters, args)).toBe(true);
    }
    for (const ask of [{ messages: hello }, { messages: asks[0]?.messages, tool_choice: "none" }]) {
      const { json } = await post(simulator, "/v1/chat/completions", { model: "m", tools: [weather], ...ask });
      expect(objectOf(arrayOf(json.choices)[0]).finish_reason).toBe("stop");
    }
  });

  it("streams tool calls that the SDK joins to the same call", async () => {
    const other = {
      type: "function" as const,
      function: { name: "other", parameters: { type: "object", properties: {} } },
    };
    const ask = { model: "m", messages: [{ role: "user" as const, content: "call all" }], tools: [weather, other] };
    const whole = await client.chat.completions.create(ask);
    const streamed = await client.chat.completions.stream(ask).finalChatCompletion();
    const strip = (calls: unknown) =>
      arrayOf(calls).map((call) => {
        const { name, arguments: args } = objectOf(objectOf(call).function);
        return { name, args };
      });
    expect(strip(streamed.choices[0]?.message.tool_calls)).toEqual(strip(whole.choices[0]?.message.tool_calls));
    expect(whole.choices[0]?.message.tool_calls).toHaveLength(2);
  });

  it("speaks legacy functions, plain and streamed", async () => {
    const ask = { model: "m", messages: hello, functions: [weather.function], function_call: { name: "get_weather" } };
    const { json } = await post(simulator, "/v1/chat/completions", ask);
    const choice = objectOf(arrayOf(json.choices)[0]);
    expect(choice.finish_reason).toBe("function_call");
    const call = objectOf(objectOf(choice.message).function_call);
    expect(call.name).toBe("get_weather");
    const { text } = await post(simulator, "/v1/chat/completions", { ...ask, stream: true });
    const deltas = eventsOf(text)
      .filter((event) => event !== "[DONE]")
      .map((event) => objectOf(objectOf(objectOf(arrayOf(JSON.parse(event).choices)[0]).delta).function_call));
    expect(deltas.map((delta) => delta.arguments ?? "").join("")).toBe(call.arguments);
  });

  it("answers JSON where JSON is asked for, valid for the schema", async () => {
    const schema = {
      type: "object",
      properties: {
        title: { type: "string", minLength: 12 },
        tags: { type: "array", items: { $ref: "#/$defs/tag" }, minItems: 2 },
        next: { anyOf: [{ $ref: "#" }, { type: "null" }] },
      },
      required: ["title", "tags", "next"],
      additionalProperties: false,
      $defs: { tag: { type: "object", properties: { id: { type: "integer" } }, required: ["id"] } },
    };
    const content = async (response_format: unknown) => {
      const { json } = await post(simulator, "/v1/chat/completions", { model: "m", messages: hello, response_format });
      return JSON.parse(String(objectOf(objectOf(arrayOf(json.choices)[0]).message).content));
    };
    expect(await content({ type: "json_object" })).toEqual({ simulated: true, echo: "hello there" });
    const value = await content({ type: "json_schema", json_schema: { name: "x", schema } });
    expect(new Ajv().validate(schema, value)).toBe(true);
  });

  it("keeps to max_tokens and stop", async () => {
    const short = await client.chat.completions.create({ model: "m", messages: hello, max_completion_tokens: 3 });
    expect(short.choices[0]?.finish_reason).toBe("length");
    expect(short.usage?.completion_tokens).toBe(3);
    const stopped = await client.chat.completions.create({ model: "m", messages: hello, stop: ["upstream"] });
    expect(stopped.choices[0]?.finish_reason).toBe("stop");
    expect(stopped.choices[0]?.message.content?.endsWith("test ")).toBe(true);
  });

  it("takes parts: text counts by its length, an image by 85 tokens", async () => {
    const tokens = async (content: unknown) => {
      const { json } = await post(simulator, "/v1/chat/completions", {
        model: "m",
        messages: [{ role: "user", content }],
      });
      return Number(objectOf(json.usage).prompt_tokens);
    };
    expect(await tokens("12345678")).toBe(2 + 4 + 3);
    const image = { type: "image_url", image_url: { url: "data:image/png;base64,AAAA" } };
    expect(await tokens([{ type: "text", text: "12345678" }, image])).toBe(2 + 4 + 3 + 85);
  });

  it("refuses what the vendor refuses", async () => {
    for (const [body, param] of [
      [{ messages: hello }, "model"],
      [{ model: "m" }, "messages"],
      [{ model: "m", messages: [] }, "messages"],
    ] as const) {
      const { status, json } = await post(simulator, "/v1/chat/completions", body);
      expect(status).toBe(400);
      expect(objectOf(json.error).param).toBe(param);
    }
    const { status } = await post(simulator, "/v1/chat/completions", []);
    expect(status).toBe(400);
  });
});
