import { describe, expect, test } from "vitest";
import { adapters } from "../../adapters/registry.ts";
import type { Asked } from "../../domain/exchange.ts";
import { createEventFeed } from "../../wire/event-feed.ts";

/* Ends that come twice change nothing; errors in whatever form are none of an answer. */

const moments = { sentUs: 1, firstByteUs: 2, firstContentUs: 3, lastByteUs: 4, nowUs: 5 };

function heard(adapter: string, dialect: string, sse: string, flavour = "") {
  const asked: Asked = {
    ...{ requestId: 1n, model: "m", upstreamModel: "m", control: "", includeUsage: true, headers: {}, stream: true },
    ...{ createdUnixS: 0, keepResponse: true, estimatedInputTokens: 3 },
    body: Buffer.from('{"max_tokens":9,"input":"x","prompt":"x","messages":[{"role":"user","content":"x"}]}'),
  };
  const stream = adapters[adapter]?.open(flavour).exchanges[dialect]?.(asked).stream();
  if (stream === undefined) throw new Error("no exchange");
  let text = "";
  const feed = createEventFeed((event) => {
    text += stream.event(event);
  });
  feed.feed(Buffer.from(sse));
  feed.end();
  text += stream.end(moments);
  const document = JSON.parse(Buffer.from(stream.document(moments).body).toString());
  return { text, facts: stream.facts(), complete: stream.isComplete(), document };
}

const chunk = (index: number, delta: object, finish: string | null = null) =>
  `data: ${JSON.stringify({ id: "c", model: "m", choices: [{ index, delta, finish_reason: finish }] })}\n\n`;
const usage = 'data: {"id":"c","model":"m","choices":[],"usage":{"prompt_tokens":3,"completion_tokens":2}}\n\n';
const done = "data: [DONE]\n\n";
const named = (type: string, fields: object = {}) => `event: ${type}\ndata: ${JSON.stringify({ type, ...fields })}\n\n`;
const dialects = ["openai.chat", "anthropic.messages", "openai.responses", "openai.completions"];

describe.each(dialects)("to %s", (dialect) => {
  test.each(["stop", "tool_calls", "content_filter"])("a second finish of a chat, %s, changes nothing", (second) => {
    const begun = chunk(0, { content: "Hal" }) + chunk(0, {}, "length");
    const expected = heard("openai", dialect, begun + usage + done);
    for (const delta of [{}, { content: "" }, { content: null, tool_calls: [] }]) {
      expect(heard("openai", dialect, begun + chunk(0, delta, second) + usage + done)).toEqual(expected);
      expect(heard("openai", dialect, begun + usage + chunk(0, delta, second) + done)).toEqual(expected);
    }
    expect(expected.facts.finishReason).toMatch(/length|max_/);
  });

  test("a second stop of a message changes nothing", () => {
    const end = (stop_reason: string) =>
      named("message_delta", { delta: { stop_reason, stop_sequence: null }, usage: { output_tokens: 2 } });
    const begun = [
      named("message_start", { message: { id: "msg", model: "m", content: [], usage: { input_tokens: 3 } } }),
      named("content_block_start", { index: 0, content_block: { type: "text", text: "" } }),
      named("content_block_delta", { index: 0, delta: { type: "text_delta", text: "Hal" } }),
      named("content_block_stop", { index: 0 }),
      end("max_tokens"),
    ].join("");
    const expected = heard("anthropic", dialect, begun + named("message_stop"));
    expect(heard("anthropic", dialect, begun + end("end_turn") + named("message_stop"))).toEqual(expected);
    expect(expected.facts.finishReason).toMatch(/length|max_/);
  });

  test.each([
    'data: {"object":"error","message":"out of memory","type":"InternalServerError","param":null,"code":500}\n\n',
    'data: {"message":"out of memory","code":500}\n\n',
    'data: {"error":{"message":"out of memory"}}\n\n',
    'data: {"error":"out of memory"}\n\n',
    'event: error\ndata: {"code":500,"message":"out of memory"}\n\n',
    'event: error\ndata: {"error":{"message":"out of memory"}}\n\n',
    "event: error\ndata: out of memory\n\n",
  ])("%s in the middle of a chat is an error", (error) => {
    const run = () => heard("openai", dialect, chunk(0, { content: "Hal" }) + error + done);
    expect(run).toThrow(
      expect.objectContaining({ code: "upstream_error", message: expect.stringContaining("memory") }),
    );
  });

  test.each([
    '{"object":"error","message":"out of memory","type":"InternalServerError","code":500}',
    '{"message":"out of memory","status":500}',
  ])("%s in place of a whole chat is an error", (body) => {
    const run = () => {
      const asked = { requestId: 1n, model: "m", upstreamModel: "m", control: "", includeUsage: false, headers: {} };
      const given = Buffer.from('{"max_tokens":9,"input":"x","prompt":"x","messages":[{"role":"user","content":"x"}]}');
      const more = { createdUnixS: 0, keepResponse: true, stream: false, body: given };
      return adapters.openai
        ?.open("")
        .exchanges[dialect]?.({ ...asked, ...more })
        .whole(Buffer.from(body), moments);
    };
    expect(run).toThrow(
      expect.objectContaining({ code: "upstream_error", message: expect.stringContaining("memory") }),
    );
  });
});

test("each of several answers of a chat keeps its own end", () => {
  const sse = [
    chunk(0, { content: "a" }) + chunk(1, { content: "b" }) + chunk(1, {}, "length") + chunk(0, {}, "stop"),
    chunk(0, {}, "content_filter") + chunk(1, { content: "c" }, "stop") + usage + done,
  ].join("");
  const { document, text } = heard("openai", "openai.chat", sse);
  expect(document.choices).toMatchObject([
    { message: { content: "a" }, finish_reason: "stop" },
    // A text behind the end is passed on all the same.
    { message: { content: "bc" }, finish_reason: "length" },
  ]);
  expect(text.match(/"finish_reason":"\w+"/g)).toEqual(['"finish_reason":"length"', '"finish_reason":"stop"']);
});
