import Anthropic from "@anthropic-ai/sdk";
import OpenAI from "openai";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createSimulator, type Simulator } from "../simulator/simulator.ts";
import { startTestEdge, type TestEdge } from "./testing-edge.ts";
import { startTestProvider, type TestProvider } from "./testing-provider.ts";

let simulator: Simulator;
let provider: TestProvider;
let edge: TestEdge;

beforeAll(async () => {
  simulator = await createSimulator({});
  provider = await startTestProvider({
    "openai-like": { adapter: "openai", baseUrl: `${simulator.url}/v1` },
    "anthropic-like": { adapter: "anthropic", baseUrl: simulator.url },
  });
  edge = await startTestEdge(provider);
});
afterAll(async () => {
  await edge[Symbol.asyncDispose]();
  await provider[Symbol.asyncDispose]();
  await simulator.close();
});

const openai = (channel: string) =>
  new OpenAI({ baseURL: `${edge.url}/v1`, apiKey: "k", maxRetries: 0, defaultHeaders: { "x-channel": channel } });
const anthropic = (channel: string) =>
  new Anthropic({ baseURL: edge.url, apiKey: "k", maxRetries: 0, defaultHeaders: { "x-channel": channel } });

const weather = {
  type: "object",
  properties: { city: { type: "string" }, days: { type: "integer" } },
  required: ["city", "days"],
} as const;
const pixel = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg==";

describe.each(["openai-like", "anthropic-like"])("the openai SDK over an upstream that is %s", (channel) => {
  test("text, whole and streamed", async () => {
    const client = openai(channel);
    const messages = [
      { role: "system", content: "Be brief." },
      { role: "user", content: "Hello 你好" },
    ] as OpenAI.ChatCompletionMessageParam[];
    const whole = await client.chat.completions.create({ model: "eu.claude-sonnet-4-5", messages });
    const content = whole.choices[0]?.message.content ?? "";
    expect(content).toContain('You said: "Hello 你好"');
    expect(whole.choices[0]?.finish_reason).toBe("stop");
    expect(whole.id).toMatch(/^chatcmpl-\d+$/);
    expect(whole.usage?.total_tokens).toBe((whole.usage?.prompt_tokens ?? 0) + (whole.usage?.completion_tokens ?? 0));

    const stream = client.chat.completions.stream({
      model: "eu.claude-sonnet-4-5",
      messages,
      stream_options: { include_usage: true },
    });
    const final = await stream.finalChatCompletion();
    expect(final.choices[0]?.message.content).toBe(content);
    expect(final.usage?.completion_tokens).toBe(whole.usage?.completion_tokens);
    expect(final.usage?.prompt_tokens).toBe(whole.usage?.prompt_tokens);
  });

  test("tools, called together, and the turn after", async () => {
    const client = openai(channel);
    const tools: OpenAI.ChatCompletionFunctionTool[] = ["weather", "time"].map((name) => ({
      type: "function",
      function: { name, description: "d", parameters: weather },
    }));
    const messages: OpenAI.ChatCompletionMessageParam[] = [{ role: "user", content: "please call all" }];
    const whole = await client.chat.completions.create({ model: "eu.claude-sonnet-4-5", messages, tools });
    const calls = whole.choices[0]?.message.tool_calls ?? [];
    expect(whole.choices[0]?.finish_reason).toBe("tool_calls");
    expect(calls.map((call) => call.type === "function" && call.function.name)).toEqual(["weather", "time"]);
    for (const call of calls) {
      expect(JSON.parse(call.type === "function" ? call.function.arguments : "")).toEqual({
        city: "simulated",
        days: 1,
      });
    }
    const final = await client.chat.completions
      .stream({ model: "eu.claude-sonnet-4-5", messages, tools })
      .finalChatCompletion();
    const streamed = final.choices[0]?.message.tool_calls ?? [];
    expect(streamed.map((call) => call.type === "function" && call.function.arguments)).toEqual(
      calls.map((call) => call.type === "function" && call.function.arguments),
    );
    const after = await client.chat.completions.create({
      model: "eu.claude-sonnet-4-5",
      tools,
      messages: [
        ...messages,
        final.choices[0]?.message as OpenAI.ChatCompletionMessageParam,
        ...streamed.map((call) => ({ role: "tool" as const, tool_call_id: call.id, content: "sunny" })),
        { role: "user", content: "thanks" },
      ],
    });
    expect(after.choices[0]?.finish_reason).toBe("stop");
  });

  test("structured output, parsed", async () => {
    const client = openai(channel);
    const response_format = {
      type: "json_schema",
      json_schema: { name: "w", schema: { ...weather, additionalProperties: false }, strict: true },
    } as const;
    const whole = await client.chat.completions.create({
      model: "eu.claude-sonnet-4-5",
      messages: [{ role: "user", content: "x" }],
      response_format,
    });
    expect(JSON.parse(whole.choices[0]?.message.content ?? "")).toEqual({ city: "simulated", days: 1 });
  });

  test("vision: data and address", async () => {
    const whole = await openai(channel).chat.completions.create({
      model: "eu.claude-sonnet-4-5",
      messages: [
        {
          role: "user",
          content: [
            { type: "text", text: "what is it" },
            { type: "image_url", image_url: { url: `data:image/png;base64,${pixel}`, detail: "low" } },
            { type: "image_url", image_url: { url: "https://example.com/a.png" } },
          ],
        },
      ],
    });
    // 85 tokens an image, by the simulator's count.
    expect(whole.usage?.prompt_tokens).toBeGreaterThan(170);
  });

  test("thinking that comes back signed in the next turn", async () => {
    const client = openai(channel);
    const model = "eu.claude-sonnet-4-5";
    const tools: OpenAI.ChatCompletionFunctionTool[] = [
      { type: "function", function: { name: "weather", parameters: weather } },
    ];
    const question: OpenAI.ChatCompletionMessageParam = { role: "user", content: "call it" };
    const final = await client.chat.completions
      .stream({ model, messages: [question], tools, reasoning_effort: "high" })
      .finalChatCompletion();
    const message = final.choices[0]?.message;
    expect(Reflect.get(message ?? {}, "reasoning_content")).toBeTypeOf("string");
    const id = message?.tool_calls?.[0]?.id ?? "";
    await client.chat.completions.create({
      model,
      tools,
      reasoning_effort: "high",
      messages: [
        question,
        message as OpenAI.ChatCompletionMessageParam,
        { role: "tool", tool_call_id: id, content: "sunny" },
      ],
    });
    const sent = JSON.parse(simulator.requests.at(-1)?.body.toString() ?? "");
    if (channel === "anthropic-like") {
      expect(sent.thinking.type).toBe("enabled");
      const [first, second] = sent.messages[1].content;
      expect(first).toMatchObject({ type: "thinking", signature: "c2ltdWxhdGVkLXNpZ25hdHVyZQ==" });
      expect(first.thinking).toContain("pretends to think");
      expect(second.type).toBe("tool_use");
    } else {
      // This vendor takes no thinking back.
      expect(Object.keys(sent.messages[1])).not.toContain("reasoning_details");
    }
  });

  test("failures keep their class", async () => {
    await expect(
      openai(channel).chat.completions.create({
        model: "sim-context-length",
        messages: [{ role: "user", content: "x" }],
      }),
    ).rejects.toMatchObject({ status: 400, code: "context_length_exceeded" });
    const stream = openai(channel).chat.completions.stream({
      model: "sim-error-in-stream",
      messages: [{ role: "user", content: "x" }],
    });
    await expect(stream.finalChatCompletion()).rejects.toThrow();
  });
});

describe.each(["openai-like", "anthropic-like"])("the anthropic SDK over an upstream that is %s", (channel) => {
  const base = { model: "eu.claude-sonnet-4-5", max_tokens: 4096 };

  test("text, whole and streamed", async () => {
    const client = anthropic(channel);
    const request = { ...base, system: "Be brief.", messages: [{ role: "user" as const, content: "Hello 你好" }] };
    const whole = await client.messages.create(request);
    expect(whole.id).toMatch(/^msg_\d+$/);
    expect(whole.stop_reason).toBe("end_turn");
    const [block] = whole.content;
    expect(block?.type === "text" && block.text).toContain('You said: "Hello 你好"');
    const final = await client.messages.stream(request).finalMessage();
    expect(final.content.map((one) => one.type === "text" && one.text)).toEqual(
      whole.content.map((one) => one.type === "text" && one.text),
    );
    expect(final.usage.output_tokens).toBe(whole.usage.output_tokens);
    expect(final.usage.input_tokens).toBe(whole.usage.input_tokens);
  });

  test("tools, called together, and the turn after", async () => {
    const client = anthropic(channel);
    const tools = ["weather", "time"].map((name) => ({
      name,
      input_schema: { ...weather, required: [...weather.required] },
    }));
    const messages: Anthropic.MessageParam[] = [{ role: "user", content: "please call all" }];
    const whole = await client.messages.create({ ...base, messages, tools });
    expect(whole.stop_reason).toBe("tool_use");
    const final = await client.messages.stream({ ...base, messages, tools }).finalMessage();
    const uses = final.content.filter((block) => block.type === "tool_use");
    expect(uses.map(({ name, input }) => [name, input])).toEqual([
      ["weather", { city: "simulated", days: 1 }],
      ["time", { city: "simulated", days: 1 }],
    ]);
    const after = await client.messages.create({
      ...base,
      tools,
      messages: [
        ...messages,
        { role: "assistant", content: final.content as Anthropic.ContentBlockParam[] },
        {
          role: "user",
          content: [
            ...uses.map(({ id }) => ({ type: "tool_result" as const, tool_use_id: id, content: "sunny" })),
            { type: "text", text: "thanks" },
          ],
        },
      ],
    });
    expect(after.stop_reason).toBe("end_turn");
  });

  test("thinking, and the turn after", async () => {
    const client = anthropic(channel);
    const thinking = { type: "enabled" as const, budget_tokens: 2048 };
    const messages: Anthropic.MessageParam[] = [{ role: "user", content: "hi" }];
    const final = await client.messages.stream({ ...base, thinking, messages }).finalMessage();
    expect(final.content.map(({ type }) => type)).toEqual(["thinking", "text"]);
    expect(final.usage.output_tokens_details?.thinking_tokens).toBeGreaterThan(0);
    const after = await client.messages.create({
      ...base,
      thinking,
      messages: [
        ...messages,
        { role: "assistant", content: final.content as Anthropic.ContentBlockParam[] },
        { role: "user", content: "and now" },
      ],
    });
    expect(after.stop_reason).toBe("end_turn");
  });

  test("vision and structured output", async () => {
    const whole = await anthropic(channel).messages.create({
      ...base,
      output_config: { format: { type: "json_schema", schema: { ...weather, additionalProperties: false } } },
      messages: [
        {
          role: "user",
          content: [
            { type: "image", source: { type: "base64", media_type: "image/png", data: pixel } },
            { type: "text", text: "what" },
          ],
        },
      ],
    });
    const [block] = whole.content;
    expect(JSON.parse(block?.type === "text" ? block.text : "")).toEqual({ city: "simulated", days: 1 });
    expect(whole.usage.input_tokens).toBeGreaterThan(85);
  });

  test("failures keep their class", async () => {
    const request = { ...base, messages: [{ role: "user" as const, content: "x" }] };
    await expect(anthropic(channel).messages.create({ ...request, model: "sim-context-length" })).rejects.toMatchObject(
      {
        status: 400,
        type: "invalid_request_error",
      },
    );
    await expect(
      anthropic(channel)
        .messages.stream({ ...request, model: "sim-error-in-stream" })
        .finalMessage(),
    ).rejects.toThrow(/error/);
  });
});
