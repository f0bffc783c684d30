import { expect, test } from "vitest";
import { adapters } from "../../adapters/registry.ts";
import type { Asked } from "../../domain/exchange.ts";

/** A schema of a tool, nested so deep. */
const nested = (depth: number) => `${'{"properties":{"a":'.repeat(depth)}{}${"}}".repeat(depth)}`;

const asked = (depth: number): Asked => ({
  requestId: 42n,
  model: "m",
  upstreamModel: "some-model",
  control: "",
  stream: false,
  includeUsage: false,
  body: Buffer.from(
    `{"messages":[{"role":"user","content":"x"}],"tools":[{"type":"function","function":{"name":"f","parameters":${nested(depth)}}}]}`,
  ),
  headers: {},
  createdUnixS: 1,
  keepResponse: true,
});

const clients = ["openai.chat", "openai.responses", "openai.completions"];

test.each(clients)("an Anthropic stream without its message_start is one that %s can read", (dialect) => {
  const body = Buffer.from('{"model":"m","prompt":"x","input":"x","messages":[{"role":"user","content":"x"}]}');
  const make = adapters.anthropic?.open("{}").exchanges[dialect];
  const streamed = (...events: readonly object[]) => {
    const stream = make?.({ ...asked(0), stream: true, body }).stream();
    const text = events.map((event) => stream?.event({ data: JSON.stringify(event) })).join("");
    return { text, complete: stream?.isComplete() };
  };
  const delta = { type: "content_block_delta", index: 0, delta: { type: "text_delta", text: "x" } };
  const stop = { type: "message_stop" };
  const start = { type: "message_start", message: { model: "some-model" } };
  const { text, complete } = streamed(delta, stop);
  expect(text).toBe(streamed(start, delta, stop).text);
  expect(text).toContain("some-model");
  expect(complete).toBe(true);
  expect(streamed(stop).complete).toBe(false);
});

test.each(["anthropic", "gemini"])("a body that is nested too deeply is the client's mistake: %s", (adapter) => {
  const make = adapters[adapter]?.open("{}").exchanges["openai.chat"];
  if (make === undefined) throw new Error("chat is not served");
  expect(() => make(asked(20_000))).toThrow(
    expect.objectContaining({ code: "invalid_value", message: expect.stringContaining("nested too deeply") }),
  );
  expect(Buffer.from(make(asked(20)).message.body).toString()).toContain(nested(19));
});
