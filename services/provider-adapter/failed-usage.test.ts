import { describe, expect, test } from "vitest";
import { adapters } from "./adapters/registry.ts";

/* A stream that fails after it has begun says what was used in the very event that tells of the failure: that is charged. */

const chatUsage = { prompt_tokens: 1_000, completion_tokens: 500, prompt_tokens_details: { cached_tokens: 900 } };
const usage = { input_tokens: 1_000, output_tokens: 500, input_tokens_details: { cached_tokens: 900 } };
const error = { code: "server_error", message: "The model broke down." };
const head = { id: "x", model: "m" };
const response = { ...head, output: [] };

const dialects = ["openai.chat", "openai.completions", "openai.responses", "anthropic.messages", "gemini"];

const upstreams = [
  {
    name: "chat",
    flavour: "{}",
    dialects,
    events: [
      { ...head, choices: [{ index: 0, delta: { role: "assistant", content: "Hello" } }] },
      { ...head, choices: [{ index: 0, delta: {}, finish_reason: "error" }], error, usage: chatUsage },
    ],
  },
  {
    name: "completions",
    flavour: '{"completions":true}',
    dialects: ["openai.completions"],
    events: [
      { ...head, choices: [{ index: 0, text: "Hello" }] },
      { ...head, choices: [], error, usage: chatUsage },
    ],
  },
  {
    name: "responses",
    flavour: '{"responses":true,"chat":false}',
    dialects: dialects.filter((dialect) => dialect !== "openai.completions"),
    events: [
      { type: "response.created", response },
      { type: "response.output_text.delta", output_index: 0, content_index: 0, delta: "Hello" },
      { type: "response.failed", response: { ...response, status: "failed", error, usage } },
    ],
  },
];

describe.each(upstreams.flatMap((upstream) => upstream.dialects.map((dialect) => ({ ...upstream, dialect }))))(
  "$name for $dialect",
  ({ flavour, dialect, events }) => {
    test("what the failure says was used is charged, and nothing is estimated", () => {
      const body = { messages: [{ role: "user", content: "x" }], input: "x", prompt: "x", max_tokens: 9 };
      const contents = [{ role: "user", parts: [{ text: "x" }] }];
      const exchange = adapters.openai?.open(flavour).exchanges[dialect]?.({
        ...{ requestId: 1n, model: "m", upstreamModel: "m", control: "", includeUsage: true, headers: {} },
        ...{ createdUnixS: 0, keepResponse: true, stream: true },
        body: Buffer.from(JSON.stringify(dialect === "gemini" ? { contents } : body)),
      });
      const stream = exchange?.stream();
      const feed = () => {
        for (const event of events) {
          const named = "type" in event ? { event: String(event.type) } : {};
          stream?.event({ ...named, data: JSON.stringify(event) });
        }
      };
      expect(feed).toThrow("The model broke down.");
      expect(stream?.facts().usage).toMatchObject({
        ...{ inputTokens: 100n, cachedInputTokens: 900n, outputTokens: 500n, estimated: false },
      });
    });
  },
);
