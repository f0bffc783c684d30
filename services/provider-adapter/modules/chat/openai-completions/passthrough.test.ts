import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { adapters } from "../../../adapters/registry.ts";
import type { Asked, Exchange } from "../../../domain/exchange.ts";
import { createEventFeed } from "../../../wire/event-feed.ts";

/* An upstream that speaks completions itself (vLLM, say): the simulator does not, so its answers are written down here. */

const moments = { sentUs: 1, firstByteUs: 2, firstContentUs: 3, lastByteUs: 4, nowUs: 5 };

function exchange(body: object, more: Partial<Asked> = {}): Exchange {
  const make = adapters.openai?.open('{"vendor":"vllm"}').exchanges["openai.completions"];
  if (make === undefined) throw new Error("completions are not served");
  return make({
    requestId: 42n,
    model: "m",
    upstreamModel: "qwen",
    control: "",
    stream: false,
    includeUsage: false,
    body: Buffer.from(JSON.stringify(body)),
    headers: {},
    createdUnixS: 1,
    keepResponse: true,
    ...more,
  });
}

const sent = (body: object, more: Partial<Asked> = {}) => {
  const { message } = exchange(body, more);
  return { path: message.path, body: JSON.parse(Buffer.from(message.body).toString()) };
};

test("a request goes on as it is: tokens, several prompts, suffix and all", () => {
  const body = { model: "m", prompt: [[1, 2], [3]], suffix: "x", best_of: 3, guided_regex: "a+" };
  expect(sent(body)).toEqual({ path: "/completions", body: { ...body, model: "qwen" } });
});

test("a stream is asked for its usage", () => {
  expect(sent({ model: "m", prompt: "x", stream: true }, { stream: true }).body.stream_options).toEqual({
    include_usage: true,
  });
});

test("a whole answer keeps what the vendor said and bears our ID", () => {
  const answer = {
    id: "cmpl-vendor",
    object: "text_completion",
    created: 5,
    model: "qwen-7b",
    choices: [{ text: "Hello", index: 0, logprobs: null, finish_reason: "length", stop_reason: null }],
    usage: { prompt_tokens: 4, completion_tokens: 2, total_tokens: 6, prompt_tokens_details: { cached_tokens: 3 } },
  };
  const whole = exchange({ model: "m", prompt: "x" }).whole(Buffer.from(JSON.stringify(answer)), moments);
  expect(JSON.parse(Buffer.from(whole.body).toString())).toMatchObject({
    ...answer,
    id: "cmpl-42",
    usage: { ...answer.usage, prompt_tokens_details: { cached_tokens: 3 } },
  });
  expect(whole).toMatchObject({
    finishReason: "length",
    messageId: "cmpl-42",
    usage: { inputTokens: 1n, cachedInputTokens: 3n, outputTokens: 2n, estimated: false },
  });
});

test("an error inside a 200 is one", () => {
  const read = (text: string) => () => exchange({ prompt: "x" }).whole(Buffer.from(text), moments);
  expect(read('{"error":{"message":"no","code":503}}')).toThrow(
    expect.objectContaining({ code: "upstream_overloaded" }),
  );
  for (const text of ['{"error":"no"}', '{"detail":"no"}', '{"choices":[]}']) {
    expect(read(text)).toThrow(expect.objectContaining({ code: "upstream_error" }));
  }
  expect(read("nonsense")).toThrow(expect.objectContaining({ code: "upstream_error" }));
});

describe("streams", () => {
  const chunk = (text: string, finish: string | null = null, more: object = {}) =>
    `data: ${JSON.stringify({ id: "cmpl-vendor", object: "text_completion", created: 5, model: "qwen-7b", choices: [{ index: 0, text, logprobs: null, finish_reason: finish }], usage: null, ...more })}\n\n`;
  const usage = { prompt_tokens: 4, completion_tokens: 2, total_tokens: 6 };
  const recorded = [
    chunk("Hello"),
    chunk(' 你好 👋🏽 "cmpl-vendor"'),
    chunk('"usage":{"x":1} "error":{}'),
    chunk("", "stop"),
    chunk("", null, { choices: [], usage }),
    "data: [DONE]\n\n",
  ].join("");

  function passed(pieces: readonly Uint8Array[], includeUsage = false) {
    const stream = exchange({ model: "m", prompt: "x", stream: true }, { stream: true, includeUsage }).stream();
    let text = "";
    const feed = createEventFeed((event) => {
      text += stream.event(event);
    });
    for (const piece of pieces) feed.feed(piece);
    feed.end();
    const complete = stream.isComplete();
    return { text: text + stream.end(moments), stream, complete };
  }
  const textOf = (text: string) =>
    [...text.matchAll(/^data: (\{.*\})$/gm)]
      .flatMap(([, data = ""]) => JSON.parse(data).choices as { text: string }[])
      .map((choice) => choice.text)
      .join("");

  test("go on with our ID, however they are cut; usage comes to those who asked", () => {
    const whole = passed([Buffer.from(recorded)]);
    expect(textOf(whole.text)).toBe(textOf(recorded));
    expect(whole.text.match(/"id":"cmpl-42"/g)).toHaveLength(4);
    expect(whole.text).not.toContain("prompt_tokens");
    expect(whole.text.endsWith("data: [DONE]\n\n")).toBe(true);
    expect(whole.stream.facts()).toMatchObject({
      finishReason: "stop",
      usage: { inputTokens: 4n, outputTokens: 2n, estimated: false },
    });
    fc.assert(
      fc.property(fc.array(fc.nat(Buffer.byteLength(recorded)), { maxLength: 30 }), (cuts) => {
        const bytes = Buffer.from(recorded);
        const places = cuts.sort((a, b) => a - b);
        const pieces = [0, ...places].map((at, index) => bytes.subarray(at, places[index] ?? bytes.length));
        expect(passed(pieces).text).toBe(whole.text);
      }),
    );
    expect(passed([Buffer.from(recorded)], true).text).toMatch(/"choices":\[\],"usage":\{"prompt_tokens":4/);
  });

  test("are kept as one document", () => {
    const { stream } = passed([Buffer.from(recorded)]);
    const document = JSON.parse(Buffer.from(stream.document(moments).body).toString());
    expect(document).toMatchObject({ id: "cmpl-42", model: "qwen-7b", choices: [{ text: textOf(recorded) }] });
    expect(stream.contentChunks()).toBe(3);
  });

  test("without an end marker end with their finish reason; without that they broke off", () => {
    expect(passed([Buffer.from(chunk("a") + chunk("", "stop"))]).complete).toBe(true);
    const broken = passed([Buffer.from(chunk("Hello there"))]);
    expect(broken.complete).toBe(false);
    expect(broken.stream.facts().usage).toMatchObject({ estimated: true, outputTokens: 3n });
  });

  test("that fail are failures", () => {
    expect(() => passed([Buffer.from(`${chunk("a")}data: {"error":{"message":"no","code":500}}\n\n`)])).toThrow("no");
    expect(() => passed([Buffer.from(`${chunk("a")}data: {"id":"cmpl-vendor","cho\n\n`)])).toThrow("valid JSON");
  });
});
