import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { checkConversation } from "../../../simulator/formats/bedrock-rules.ts";
import type { Asked } from "../../domain/exchange.ts";
import type { AnswerPart } from "../../modules/chat/neutral/answer.ts";
import { createAnswerFold } from "../../modules/chat/neutral/fold.ts";
import { adapters } from "../registry.ts";
import { converseEvents } from "./chat/as-events.ts";
import { readConverse } from "./chat/read-answer.ts";
import { readConverseStream } from "./chat/read-stream.ts";

const claude = "us.anthropic.claude-sonnet-4-5-20250929-v1:0";
const models = [claude, "us.anthropic.claude-opus-4-8", "amazon.nova-pro-v1:0", "meta.llama3-3-70b-instruct-v1:0"];
const opened = adapters.bedrock?.open('{"region":"us-east-1"}');

/** The body that a request becomes, and what was noted. */
function sent(dialect: string, body: object, upstreamModel = claude) {
  const asked: Asked = {
    ...{ requestId: 1n, model: "m", upstreamModel, control: "", stream: false, includeUsage: false, headers: {} },
    ...{ createdUnixS: 1, keepResponse: false, body: Buffer.from(JSON.stringify(body)) },
  };
  const exchange = opened?.exchanges[dialect]?.(asked);
  if (exchange === undefined) throw new Error("no exchange");
  return { body: JSON.parse(Buffer.from(exchange.message.body).toString()), notes: exchange.notes.join("\n") };
}

const words = fc.constantFrom("Hello", "", " ", "\n\t", "你好");
const pdf = { type: "file", file: { filename: "a  b_%.pdf", file_data: "data:application/pdf;base64,JVBERi0=" } };
const image = { type: "image_url", image_url: { url: "data:image/png;base64,AAAA" } };
const content = fc.oneof(
  words,
  fc.array(
    fc.oneof(
      words.map((text) => ({ type: "text", text })),
      fc.constantFrom(pdf, image),
    ),
    { minLength: 1, maxLength: 3 },
  ),
);
/** A turn of the assistant that calls tools, and their results, in any order, whatever they are called. */
const called = fc
  .tuple(
    fc.uniqueArray(fc.constantFrom("a", "call_1|x", "y".repeat(80)), { minLength: 1, maxLength: 3 }),
    words,
    fc.boolean(),
  )
  .map(([ids, said, turned]) => {
    const tool_calls = ids.map((id) => ({ id, type: "function", function: { name: "mcp.tool/x", arguments: "" } }));
    const results = ids.map((tool_call_id) => ({ role: "tool", tool_call_id, content: said }));
    return [{ role: "assistant", content: said || null, tool_calls }, ...(turned ? results.toReversed() : results)];
  });
const turns = fc
  .array(
    fc.oneof(
      content.map((said) => [{ role: "user", content: said }]),
      words.map((said) => [{ role: "assistant", content: said }]),
      fc.tuple(fc.constantFrom("system", "developer"), words).map(([role, said]) => [{ role, content: said }]),
      called,
    ),
    { minLength: 1, maxLength: 6 },
  )
  .map((list) => list.flat());
const tool = (name: string, parameters?: object) => ({
  type: "function",
  function: { name, description: "", ...(parameters && { parameters }) },
});
const tools = fc.constantFrom(
  undefined,
  [tool("f")],
  [
    tool("mcp.tool/x", { anyOf: [{ type: "object", properties: { a: { type: "string" } } }] }),
    { type: "custom", custom: { name: "free" } },
  ],
);

test("whatever the conversation, the vendor's rules are kept", () => {
  fc.assert(
    fc.property(
      turns,
      tools,
      fc.constantFrom(...models),
      fc.constantFrom(undefined, "auto", "none"),
      (messages, given, model, choice) => {
        // Without a word of anybody's there is nothing to ask.
        fc.pre(
          messages.some(({ content: said }) => (typeof said === "string" ? said.trim() !== "" : Array.isArray(said))) ||
            messages.some((one) => "tool_calls" in one),
        );
        const { body } = sent("openai.chat", { messages, tools: given, tool_choice: given && choice }, model);
        expect(() => checkConversation(body)).not.toThrow();
      },
    ),
    { numRuns: 500 },
  );
});

const json = fc.dictionary(fc.string({ maxLength: 5 }), fc.jsonValue({ maxDepth: 2 }), { maxKeys: 3 });
const text = fc.string({ minLength: 1, maxLength: 12, unit: "grapheme" });
const block = fc.oneof(
  text.map((said) => ({ text: said })),
  fc
    .record({ text, signature: fc.option(fc.base64String({ minLength: 4 }), { nil: undefined }) })
    .map((reasoningText) => ({ reasoningContent: { reasoningText } })),
  fc.base64String({ minLength: 4, maxLength: 8 }).map((redactedContent) => ({ reasoningContent: { redactedContent } })),
  fc
    .record({ toolUseId: fc.constantFrom("a", "b"), name: fc.constantFrom("f", "g"), input: json })
    .map((toolUse) => ({ toolUse })),
);

/** Parts of which a stream does not tell where one ends and the next begins are one. */
function joined(parts: readonly AnswerPart[] = []): AnswerPart[] {
  const list: AnswerPart[] = [];
  for (const part of parts) {
    const last = list.at(-1);
    const isOpen = last?.type === "text" || (last?.type === "thinking" && last.signature === undefined);
    if (last !== undefined && isOpen && last.type === part.type)
      list[list.length - 1] = { ...part, text: last.text + part.text } as AnswerPart;
    else list.push(part);
  }
  return list;
}

test("a whole answer means the same when it is read as the stream that it is cut into", () => {
  fc.assert(
    fc.property(
      fc.array(block, { minLength: 1, maxLength: 5 }),
      fc.constantFrom("end_turn", "max_tokens", "content_filtered"),
      (blocks, stopReason) => {
        const usage = { inputTokens: 3, outputTokens: 4, cacheReadInputTokens: 5 };
        const bytes = Buffer.from(JSON.stringify({ output: { message: { content: blocks } }, stopReason, usage }));
        const whole = readConverse(bytes, "x");
        const fold = createAnswerFold(() => 0, Number.POSITIVE_INFINITY);
        const stream = readConverseStream("x");
        for (const event of converseEvents(bytes) ?? []) stream.read(event, (step) => fold.add(step));
        expect(stream.isComplete()).toBe(true);
        const [choice] = fold.answer().choices;
        expect(joined(choice?.parts)).toEqual(joined(whole.choices[0]?.parts));
        expect(choice?.finish).toBe(whole.choices[0]?.finish);
        expect(fold.usage()).toMatchObject({ fresh: 3, output: 4, cached: 5 });
      },
    ),
    { numRuns: 300 },
  );
});

const messages = [{ role: "user", content: "x" }];
const schema = { type: "object", properties: { a: { type: "string" } } };

describe("what a family of models takes", () => {
  test("thinking, in its own words, and nothing beside it that it excludes", () => {
    const asked = { messages, reasoning_effort: "high", temperature: 0.2, top_p: 0.9, max_tokens: 5_000 };
    const ofClaude = sent("openai.chat", asked);
    expect(ofClaude.body.additionalModelRequestFields).toEqual({ thinking: { type: "enabled", budget_tokens: 4_000 } });
    expect(ofClaude.body.inferenceConfig).toEqual({ maxTokens: 5_000 });
    const later = sent("openai.chat", asked, "global.anthropic.claude-opus-4-8");
    expect(later.body.outputConfig).toEqual({ effort: "high" });
    expect(later.body.additionalModelRequestFields.thinking.type).toBe("adaptive");
    const nova = sent("openai.chat", asked, "us.amazon.nova-2-lite-v1:0");
    expect(nova.body.additionalModelRequestFields).toEqual({
      reasoningConfig: { type: "enabled", maxReasoningEffort: "high" },
    });
    expect(nova.body.inferenceConfig).toBeUndefined();
    expect(sent("openai.chat", asked, "openai.gpt-oss-120b-1:0").body.additionalModelRequestFields).toEqual({
      reasoning_effort: "high",
    });
    const llama = sent("openai.chat", asked, "meta.llama3-3-70b-instruct-v1:0");
    expect(llama.body.additionalModelRequestFields).toBeUndefined();
    expect(llama.notes).toContain("reasoning_effort dropped");
    expect(llama.body.inferenceConfig).toEqual({ maxTokens: 5_000, temperature: 0.2, topP: 0.9 });
  });

  test.each([
    ["required", claude, { any: {} }],
    ["required", "mistral.mistral-large-2402-v1:0", { any: {} }],
    ["required", "meta.llama3-3-70b-instruct-v1:0", "this model cannot be held to a call"],
    [{ type: "function", function: { name: "f" } }, "amazon.nova-pro-v1:0", { tool: { name: "f" } }],
    [{ type: "function", function: { name: "f" } }, "mistral.mistral-large-2402-v1:0", { any: {} }],
    [
      { type: "function", function: { name: "f" } },
      "meta.llama3-3-70b-instruct-v1:0",
      "cannot be held to a call of one tool",
    ],
  ])("the choice %j of %s", (tool_choice, model, expected) => {
    const ask = () =>
      sent("openai.chat", { messages, tools: [tool("f"), tool("g")], tool_choice }, model).body.toolConfig;
    if (typeof expected === "string") expect(ask).toThrow(expected);
    else expect(ask().toolChoice).toEqual(expected);
  });

  test("a schema, where it can be held to one", () => {
    const response_format = { type: "json_schema", json_schema: { name: "w", schema } };
    const held = sent("openai.chat", { messages, response_format }).body.outputConfig.textFormat;
    expect(JSON.parse(held.structure.jsonSchema.schema)).toMatchObject({ ...schema, additionalProperties: false });
    const refused = () => sent("openai.chat", { messages, response_format }, "amazon.nova-pro-v1:0");
    expect(refused).toThrow(expect.objectContaining({ code: "invalid_value", param: "response_format" }));
  });

  test("marks of caches, as long as the model keeps them", () => {
    const marked = (ttl?: string) => ({
      max_tokens: 9,
      messages: [
        {
          role: "user",
          content: [{ type: "text", text: "x", cache_control: { type: "ephemeral", ...(ttl && { ttl }) } }],
        },
      ],
      tools: [{ name: "f", input_schema: { type: "object" }, cache_control: { type: "ephemeral" } }],
    });
    const blocks = (model: string, ttl?: string) => sent("anthropic.messages", marked(ttl), model);
    expect(blocks(claude, "1h").body.messages[0].content[1]).toEqual({ cachePoint: { type: "default", ttl: "1h" } });
    expect(blocks(claude).body.toolConfig.tools[1]).toEqual({ cachePoint: { type: "default" } });
    const nova = blocks("amazon.nova-pro-v1:0", "1h");
    expect(nova.body.messages[0].content[1]).toEqual({ cachePoint: { type: "default" } });
    expect(nova.body.toolConfig.tools).toHaveLength(1);
    expect(nova.notes).toMatch(/ttl dropped[\s\S]*cache_control dropped|cache_control dropped[\s\S]*ttl dropped/);
    const llama = blocks("meta.llama3-3-70b-instruct-v1:0");
    expect(llama.body.messages[0].content).toEqual([{ text: "x" }]);
    expect(llama.notes).toContain("cache_control dropped");
  });
});

test("Claude's signatures go on to Claude and come from it in Anthropic's own form", () => {
  const thinking = { type: "thinking", thinking: "So.", signature: "c2ln" };
  const asked = {
    max_tokens: 9_000,
    messages: [
      ...messages,
      { role: "assistant", content: [thinking, { type: "text", text: "y" }] },
      { role: "user", content: "z" },
    ],
  };
  const [, turn] = sent("anthropic.messages", asked).body.messages;
  expect(turn.content[0]).toEqual({ reasoningContent: { reasoningText: { text: "So.", signature: "c2ln" } } });
  const nova = sent("anthropic.messages", asked, "us.amazon.nova-2-lite-v1:0");
  expect(nova.body.messages[1].content).toEqual([{ text: "y" }]);
  expect(nova.notes).toContain("did not sign it");
});

test("documents have names of their own that the vendor takes, and a text beside them", () => {
  const parts = [pdf, pdf, { type: "file", file: { file_data: "data:text/plain;base64,aGk=" } }];
  const { body, notes } = sent("openai.chat", { messages: [{ role: "user", content: parts }] });
  const blocks = body.messages[0].content as { document?: { name: string; format: string } }[];
  expect(blocks.flatMap(({ document }) => (document === undefined ? [] : [[document.name, document.format]]))).toEqual([
    ["a b-pdf", "pdf"],
    ["a b-pdf 2", "pdf"],
    ["document", "txt"],
  ]);
  expect(notes).toContain("a text was added");
});
