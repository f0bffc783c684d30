import { LLMock } from "@copilotkit/aimock";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Invocation, startTestProvider, type TestProvider } from "./testing-provider.ts";

/* An upstream that we did not write: what our own simulator takes for granted about the formats shows here. */

let mock: LLMock;
let provider: TestProvider;

beforeAll(async () => {
  mock = new LLMock({ port: 0, chunkSize: 7 });
  mock.onMessage("plain", { content: "Hello 你好, wörld 👋🏽" });
  mock.onMessage("tool", {
    toolCalls: [
      { name: "weather", arguments: '{"city":"北京"}', id: "call_w" },
      { name: "now", arguments: "{}", id: "call_n" },
    ],
  });
  mock.onMessage("think", { content: "Two.", reasoning: "One and one.", reasoningSignature: "c2lnbmVk" });
  mock.onMessage("fails", { error: { message: "slow down", type: "rate_limit_error" }, status: 429 });
  await mock.start();
  provider = await startTestProvider({
    chat: { adapter: "openai", baseUrl: `${mock.url}/v1` },
    messages: { adapter: "anthropic", baseUrl: mock.url },
  });
});
afterAll(async () => {
  await provider[Symbol.asyncDispose]();
  await mock.stop();
});

const channels = [
  { channel: "chat", model: "gpt-4o" },
  { channel: "messages", model: "claude-sonnet-4-5" },
];
const weather = { type: "object", properties: { city: { type: "string" } } };

function asked(dialect: string, prompt: string, more: object = {}): Omit<Invocation, "candidates"> {
  const messages = [{ role: "user", content: prompt }];
  return dialect === "openai.chat"
    ? {
        dialect,
        body: {
          model: "m",
          messages,
          tools: ["weather", "now"].map((name) => ({ type: "function", function: { name, parameters: weather } })),
          ...more,
        },
      }
    : {
        dialect,
        body: {
          model: "m",
          max_tokens: 4000,
          messages,
          tools: ["weather", "now"].map((name) => ({ name, input_schema: weather })),
          ...more,
        },
      };
}

describe.each(channels)("aimock as $channel", (candidate) => {
  test.each(["openai.chat", "anthropic.messages"])("%s: text", async (dialect) => {
    for (const stream of [false, true]) {
      const { outcome, error, text } = await provider.invoke({
        ...asked(dialect, "plain", { stream }),
        candidates: [candidate],
      });
      expect(error).toBeUndefined();
      const answer = JSON.parse(stream ? Buffer.from(outcome.response).toString() : text);
      expect(answer.choices?.[0].message.content ?? answer.content[0].text).toBe("Hello 你好, wörld 👋🏽");
      expect(outcome.finishReason).toBe(dialect === "openai.chat" ? "stop" : "end_turn");
    }
  });

  test.each(["openai.chat", "anthropic.messages"])("%s: calls", async (dialect) => {
    for (const stream of [false, true]) {
      const { outcome, error, text } = await provider.invoke({
        ...asked(dialect, "tool", { stream }),
        candidates: [candidate],
      });
      expect(error).toBeUndefined();
      const answer = JSON.parse(stream ? Buffer.from(outcome.response).toString() : text);
      const calls =
        dialect === "openai.chat"
          ? answer.choices[0].message.tool_calls.map((call: { function: { name: string; arguments: string } }) => [
              call.function.name,
              JSON.parse(call.function.arguments),
            ])
          : answer.content
              .filter(({ type }: { type: string }) => type === "tool_use")
              .map(({ name, input }: { name: string; input: unknown }) => [name, input]);
      expect(calls).toEqual([
        ["weather", { city: "北京" }],
        ["now", {}],
      ]);
      expect(outcome.finishReason).toBe(dialect === "openai.chat" ? "tool_calls" : "tool_use");
    }
  });

  test.each(["openai.chat", "anthropic.messages"])("%s: thinking", async (dialect) => {
    for (const stream of [false, true]) {
      const wish =
        dialect === "openai.chat"
          ? { reasoning_effort: "low" }
          : { thinking: { type: "enabled", budget_tokens: 2000 } };
      const { outcome, error, text } = await provider.invoke({
        ...asked(dialect, "think", { stream, ...wish }),
        candidates: [candidate],
      });
      expect(error).toBeUndefined();
      const answer = JSON.parse(stream ? Buffer.from(outcome.response).toString() : text);
      const thinking = answer.choices?.[0].message.reasoning_content ?? answer.content[0].thinking;
      expect(thinking).toBe("One and one.");
      if (candidate.channel !== "messages") continue;
      const signature = answer.choices?.[0].message.reasoning_details[0].signature ?? answer.content[0].signature;
      expect(signature).toBe("c2lnbmVk");
    }
  });

  test.each(["openai.chat", "anthropic.messages"])("%s: failures", async (dialect) => {
    const { error } = await provider.invoke({ ...asked(dialect, "fails"), candidates: [candidate] });
    expect(error?.code).toBe("upstream_overloaded");
  });
});
