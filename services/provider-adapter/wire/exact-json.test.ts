import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { adapters } from "../adapters/registry.ts";
import type { Asked, Exchange } from "../domain/exchange.ts";
import { parseExact } from "./exact-json.ts";
import { asObject } from "./json.ts";

/** A request ID of this platform, which no double holds, and what else tools are given. */
const input = '{"id":767212140985061376,"far":-12345678901234567890,"most":1e400,"__proto__":{"a":0.5},"near":7}';
const moments = { sentUs: 1, firstByteUs: 2, firstContentUs: 3, lastByteUs: 4, nowUs: 5 };

test("whole numbers of any length stay as they are written, wherever they are", () => {
  fc.assert(
    fc.property(fc.bigInt({ min: -(10n ** 30n), max: 10n ** 30n }), (number) => {
      const text = `{"a":[{"b":${number}},"${number}"]}`;
      expect(JSON.stringify(parseExact(text))).toBe(text);
    }),
  );
  expect(JSON.stringify(parseExact(input))).toBe(input);
});

test("a text that is a long number alone is a number, and what is not JSON is nothing", () => {
  expect(parseExact("767212140985061376")).toBeTypeOf("number");
  expect(asObject(parseExact("767212140985061376"))).toBeUndefined();
  expect(parseExact('{"id":767212140985061376')).toBeUndefined();
});

function exchange(adapter: string, dialect: string, body: string): Exchange {
  const asked: Asked = {
    requestId: 42n,
    model: "m",
    upstreamModel: "some-model",
    control: "",
    stream: false,
    includeUsage: false,
    body: Buffer.from(body),
    headers: {},
    createdUnixS: 1,
    keepResponse: true,
  };
  const made = adapters[adapter]?.open("{}").exchanges[dialect]?.(asked);
  if (made === undefined) throw new Error("no exchange");
  return made;
}

const quoted = JSON.stringify(input);
const chatTurns = `{"messages":[{"role":"user","content":"x"},{"role":"assistant","content":null,"tool_calls":[{"id":"c","type":"function","function":{"name":"f","arguments":${quoted}}}]},{"role":"tool","tool_call_id":"c","content":${quoted}}]}`;
const messagesTurns = `{"max_tokens":9,"messages":[{"role":"user","content":"x"},{"role":"assistant","content":[{"type":"thinking","thinking":"t","signature":""},{"type":"tool_use","id":"c","name":"f","input":${input}}]},{"role":"user","content":[{"type":"tool_result","tool_use_id":"c","content":"r"}]}]}`;

describe("what a tool was called with, and what it said, goes upstream to the digit", () => {
  test.each([
    ["anthropic", "openai.chat", chatTurns, `"input":${input}`],
    ["gemini", "openai.chat", chatTurns, `"args":${input}`],
    ["gemini", "openai.chat", chatTurns, `"response":${input}`],
    ["openai", "anthropic.messages", messagesTurns, `"arguments":${quoted}`],
    ["gemini", "anthropic.messages", messagesTurns, `"args":${input}`],
    ["anthropic", "anthropic.messages", messagesTurns, `"input":${input}`],
  ])("%s from %s", (adapter, dialect, body, wanted) => {
    expect(Buffer.from(exchange(adapter, dialect, body).message.body).toString()).toContain(wanted);
  });
});

describe("what a model calls a tool with goes back to the digit", () => {
  const answers: Readonly<Record<string, string>> = {
    openai: `{"choices":[{"index":0,"message":{"role":"assistant","content":null,"tool_calls":[{"id":"c","type":"function","function":{"name":"f","arguments":${quoted}}}]},"finish_reason":"tool_calls"}]}`,
    anthropic: `{"type":"message","role":"assistant","content":[{"type":"tool_use","id":"c","name":"f","input":${input}}],"stop_reason":"tool_use"}`,
    gemini: `{"candidates":[{"content":{"role":"model","parts":[{"functionCall":{"name":"f","args":${input}}}]},"finishReason":"STOP"}]}`,
  };
  const ask: Readonly<Record<string, readonly [body: string, wanted: string]>> = {
    "openai.chat": ['{"messages":[{"role":"user","content":"x"}]}', `"arguments":${quoted}`],
    "openai.responses": ['{"input":"x"}', `"arguments":${quoted}`],
    "anthropic.messages": ['{"max_tokens":9,"messages":[{"role":"user","content":"x"}]}', `"input":${input}`],
  };
  const pairs = Object.keys(answers).flatMap((adapter) => Object.keys(ask).map((dialect) => ({ adapter, dialect })));

  test.each(pairs)("$adapter to $dialect", ({ adapter, dialect }) => {
    const [body, wanted] = ask[dialect] ?? ["", ""];
    const whole = exchange(adapter, dialect, body).whole(Buffer.from(answers[adapter] ?? ""), moments);
    expect(Buffer.from(whole.body).toString()).toContain(wanted);
  });

  test("in a stream of Gemini's too", () => {
    const [body] = ask["openai.chat"] ?? [""];
    const stream = exchange("gemini", "openai.chat", body).stream();
    expect(stream.event({ data: answers.gemini ?? "" })).toContain(`"arguments":${quoted}`);
  });
});
