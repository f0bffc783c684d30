import { describe, expect, test } from "vitest";
import { adapters } from "../../../adapters/registry.ts";
import type { Asked } from "../../../domain/exchange.ts";
import { createEventFeed } from "../../../wire/event-feed.ts";

/* What servers that are compatible with OpenAI write otherwise than OpenAI, and is the same all the same. */

const moments = { sentUs: 1, firstByteUs: 2, firstContentUs: 3, lastByteUs: 4, nowUs: 5 };

function passed(text: string, flavour: object = {}) {
  const asked: Asked = {
    requestId: 42n,
    model: "m",
    upstreamModel: "some-model",
    control: "",
    stream: true,
    includeUsage: false,
    body: Buffer.from('{"messages":[{"role":"user","content":"x"}],"stream":true}'),
    headers: {},
    createdUnixS: 1,
    keepResponse: true,
  };
  const stream = adapters.openai?.open(JSON.stringify(flavour)).exchanges["openai.chat"]?.(asked).stream();
  if (stream === undefined) throw new Error("chat is not served");
  let out = "";
  const feed = createEventFeed((event) => {
    out += stream.event(event);
  });
  feed.feed(Buffer.from(text));
  feed.end();
  const complete = stream.isComplete();
  const document = JSON.parse(Buffer.from(stream.document(moments).body).toString());
  return { out: out + stream.end(moments), complete, document, facts: stream.facts(), chunks: stream.contentChunks() };
}

const deltas: readonly (readonly [delta: object, finish: string | null])[] = [
  [{ role: "assistant", content: "" }, null],
  [{ content: 'He said "finish_reason": "length"' }, null],
  [{ content: " twice" }, null],
  [{}, "stop"],
];

/** The deltas as a stream without end mark, each chunk written by `write`. */
const streamed = (write: (chunk: object) => string) =>
  deltas
    .map(([delta, finish]) => write({ id: "vendor", choices: [{ index: 0, delta, finish_reason: finish }] }))
    .map((json) => `data: ${json.replaceAll("\n", "\ndata: ")}\n\n`)
    .join("");

/** As Python's json.dumps does it. */
const spaced = (chunk: object) => JSON.stringify(chunk).replaceAll(/([{,]"\w+"):/g, "$1: ");
const indented = (chunk: object) => JSON.stringify(chunk, null, 2);

describe.each<[name: string, write: (chunk: object) => string]>([
  ["compact", (chunk) => JSON.stringify(chunk)],
  ["with spaces", spaced],
  ["over several lines", indented],
])("chunks that are written %s", (_name, write) => {
  test("go on as events of one line each, and their end is seen", () => {
    const { out, complete, facts, chunks } = passed(streamed(write));
    const events = out.trimEnd().split("\n\n");
    expect(events.at(-1)).toBe("data: [DONE]");
    const sent = events.slice(0, -1).map((event) => JSON.parse(event.slice("data: ".length)));
    expect(sent.map(({ id, choices }) => [id, choices[0].delta, choices[0].finish_reason])).toEqual(
      deltas.map(([delta, finish]) => ["chatcmpl-42", delta, finish]),
    );
    expect(complete).toBe(true);
    expect(facts.finishReason).toBe("stop");
    expect(chunks).toBe(2);
  });
});

describe("words of a vendor's own are OpenAI's to the client", () => {
  const ending = (finish_reason: string) =>
    [
      { id: "vendor", choices: [{ index: 0, delta: { role: "assistant", content: "x" }, finish_reason: null }] },
      { id: "vendor", choices: [{ index: 0, delta: {}, finish_reason }] },
    ]
      .map((chunk) => `data: ${JSON.stringify(chunk)}\n\n`)
      .join("");

  test.each([
    ["zhipu", "sensitive", "content_filter"],
    ["mistral", "model_length", "length"],
    ["mistral", "stop", "stop"],
    ["deepseek", "tool_calls", "tool_calls"],
  ])("%s ends with %s: %s", (vendor, word, usual) => {
    const { out, document, facts } = passed(ending(word), { vendor });
    expect(out).toContain(`"finish_reason":"${usual}"`);
    expect(facts.finishReason).toBe(usual);
    expect(document.choices[0].finish_reason).toBe(usual);
  });

  test.each([
    ["deepseek", "insufficient_system_resource"],
    ["zhipu", "network_error"],
    ["openrouter", "error"],
  ])("%s ends with %s: it failed", (vendor, word) => {
    expect(() => passed(ending(word), { vendor })).toThrow(expect.objectContaining({ code: "upstream_error" }));
  });

  test.each<[vendor: string, thinking: object, answer: object]>([
    ["openrouter", { reasoning: "hm" }, { content: "Yes", reasoning: null }],
    ["vllm", { reasoning: "hm" }, { content: "Yes" }],
    [
      "mistral",
      { content: [{ type: "thinking", thinking: [{ type: "text", text: "hm" }] }] },
      { content: [{ type: "text", text: "Yes" }] },
    ],
  ])("%s streams its thinking as reasoning_content", (vendor, thinking, answer) => {
    const text = [{ role: "assistant", content: "" }, thinking, answer]
      .map((delta) => ({ id: "vendor", choices: [{ index: 0, delta, finish_reason: null }] }))
      .map((chunk) => `data: ${JSON.stringify(chunk)}\n\n`)
      .join("");
    const { out, document, facts } = passed(text, { vendor });
    expect(out).toContain('"reasoning_content":"hm"');
    expect(out).toContain('"content":"Yes"');
    expect(out).not.toContain('"content":[');
    expect(document.choices[0].message).toMatchObject({ content: "Yes", reasoning_content: "hm" });
    // Thoughts are counted, and counted once, where the vendor counts nothing.
    expect(facts.usage).toMatchObject({ outputTokens: 2n, estimated: true });
  });
});

test("a call of a tool that takes free text is kept, and counted where the vendor counts nothing", () => {
  const piece = (call: object) => ({ choices: [{ index: 0, delta: { tool_calls: [{ index: 0, ...call }] } }] });
  const pieces = [
    piece({ id: "a", type: "custom", custom: { name: "shell", input: "" } }),
    piece({ custom: { input: "ls " } }),
    piece({ custom: { input: "-l" } }),
  ];
  const { document, facts } = passed(
    pieces.map((chunk) => `data: ${JSON.stringify({ id: "vendor", ...chunk })}\n\n`).join(""),
  );
  const calls = [{ id: "a", type: "custom", custom: { name: "shell", input: "ls -l" } }];
  expect(document.choices[0].message.tool_calls).toEqual(calls);
  expect(facts.usage.outputTokens).toBeGreaterThan(0n);
});

test("a stream that breaks off before its second choice has ended is not complete", () => {
  const piece = (index: number, finish_reason: string | null) =>
    `data: ${JSON.stringify({ id: "vendor", choices: [{ index, delta: { content: "x" }, finish_reason }] })}\n\n`;
  const broken = piece(0, null) + piece(1, null) + piece(0, "stop");
  expect(passed(broken).complete).toBe(false);
  expect(passed(broken + piece(1, "length")).complete).toBe(true);
  expect(passed(`${broken}data: [DONE]\n\n`).complete).toBe(true);
});

test("of several choices in one chunk the first that ends counts", () => {
  const choices = [
    { index: 0, delta: {}, finish_reason: null },
    { index: 1, delta: {}, finish_reason: "length" },
  ];
  const text = `${streamed(spaced).split("\n\n")[0]}\n\ndata: ${JSON.stringify({ id: "vendor", choices })}\n\n`;
  expect(passed(text).facts.finishReason).toBe("length");
});
