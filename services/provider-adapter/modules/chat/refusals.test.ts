import { describe, expect, test } from "vitest";
import { adapters } from "../../adapters/registry.ts";
import type { Asked, Exchange } from "../../domain/exchange.ts";
import { createEventFeed } from "../../wire/event-feed.ts";

/* Why a model declined, or what its filter found, reaches the client whatever the dialect: whole and streamed. */

const moments = { sentUs: 1, firstByteUs: 2, firstContentUs: 3, lastByteUs: 4, nowUs: 5 };
const why = "This request triggered restrictions.";

function exchangeOf(adapter: string, dialect: string, stream: boolean): Exchange {
  const asked: Asked = {
    ...{ requestId: 1n, model: "m", upstreamModel: "m", control: "", includeUsage: false, headers: {} },
    ...{ createdUnixS: 0, keepResponse: true, stream },
    body: Buffer.from('{"max_tokens":9,"input":"x","messages":[{"role":"user","content":"x"}]}'),
  };
  const made = adapters[adapter]?.open("").exchanges[dialect]?.(asked);
  if (made === undefined) throw new Error("no exchange");
  return made;
}

/** The events of a stream, and the document that history keeps of it. */
function streamed(adapter: string, dialect: string, sse: string): { events: unknown[]; document: unknown } {
  const translation = exchangeOf(adapter, dialect, true).stream();
  let text = "";
  const feed = createEventFeed((event) => {
    text += translation.event(event);
  });
  feed.feed(Buffer.from(sse));
  feed.end();
  text += translation.end(moments);
  const events: unknown[] = [];
  const reading = createEventFeed(({ data }) => events.push(data === "[DONE]" ? data : JSON.parse(data)));
  reading.feed(Buffer.from(text));
  return { events, document: JSON.parse(Buffer.from(translation.document(moments).body).toString()) };
}

function whole(adapter: string, dialect: string, body: object): unknown {
  const answer = exchangeOf(adapter, dialect, false).whole(Buffer.from(JSON.stringify(body)), moments);
  return JSON.parse(Buffer.from(answer.body).toString());
}

const named = (type: string, fields: object) => `event: ${type}\ndata: ${JSON.stringify({ type, ...fields })}\n\n`;
const chunk = (choice: object) =>
  `data: ${JSON.stringify({ id: "c", model: "m", choices: [{ index: 0, ...choice }] })}\n\n`;

const details = { type: "refusal", category: "cyber", explanation: why };
const head = {
  id: "msg",
  type: "message",
  role: "assistant",
  model: "m",
  usage: { input_tokens: 3, output_tokens: 1 },
};
const filtered = { hate: { filtered: true, severity: "high" }, violence: { filtered: false } };
const safety = {
  content: { parts: [{ text: "So" }] },
  finishReason: "SAFETY",
  finishMessage: why,
  safetyRatings: [{ category: "HARM_CATEGORY_HARASSMENT" }, { category: "HARM_CATEGORY_HATE_SPEECH", blocked: true }],
};

const upstreams = {
  anthropic: {
    whole: { ...head, content: [{ type: "text", text: "So" }], stop_reason: "refusal", stop_details: details },
    sse: [
      named("message_start", { message: { ...head, content: [] } }),
      named("content_block_start", { index: 0, content_block: { type: "text", text: "" } }),
      named("content_block_delta", { index: 0, delta: { type: "text_delta", text: "So" } }),
      named("content_block_stop", { index: 0 }),
      named("message_delta", { delta: { stop_reason: "refusal", stop_details: details }, usage: { output_tokens: 3 } }),
      named("message_stop", {}),
    ].join(""),
  },
  gemini: {
    whole: { candidates: [safety] },
    sse: `data: ${JSON.stringify({ candidates: [safety] })}\n\n`,
  },
} as const;

describe.each(Object.keys(upstreams))("a refusal of %s", (name) => {
  const { whole: body, sse } = upstreams[name as keyof typeof upstreams];
  const category = name === "anthropic" ? "cyber" : "HARM_CATEGORY_HATE_SPEECH";

  test("to chat: the refusal's text, and its kind in Azure's form", () => {
    const expected = {
      message: expect.objectContaining({ content: "So", refusal: why }),
      finish_reason: "content_filter",
      content_filter_results: { [category]: { filtered: true } },
    };
    expect(whole(name, "openai.chat", body)).toMatchObject({ choices: [expected] });
    const { events, document } = streamed(name, "openai.chat", sse);
    expect(document).toMatchObject({ choices: [expected] });
    expect(events).toContainEqual(
      expect.objectContaining({ choices: [expect.objectContaining({ delta: { refusal: why } })] }),
    );
    const { message: _message, ...ending } = expected;
    expect(events.at(-2)).toMatchObject({ choices: [ending] });
  });

  test("to responses: a part that is a refusal", () => {
    const expected = {
      status: "incomplete",
      incomplete_details: { reason: "content_filter", category },
      output: [
        {
          content: [
            { type: "output_text", text: "So" },
            { type: "refusal", refusal: why },
          ],
        },
      ],
    };
    expect(whole(name, "openai.responses", body)).toMatchObject(expected);
    const { events, document } = streamed(name, "openai.responses", sse);
    expect(document).toMatchObject(expected);
    expect(events.at(-1)).toMatchObject({ type: "response.incomplete", response: expected });
    expect(events).toContainEqual(expect.objectContaining({ type: "response.refusal.done", refusal: why }));
  });
});

describe("a refusal to messages", () => {
  test.each([
    ["the filter of Azure", { finish_reason: "content_filter", content_filter_results: filtered }, "Category: hate."],
    ["a filter that says nothing", { finish_reason: "content_filter" }, null],
  ])("of %s", (_name, ending, explanation) => {
    const expected = { stop_reason: "refusal", stop_details: { type: "refusal", category: null, explanation } };
    const message = { role: "assistant", content: "So" };
    expect(whole("openai", "anthropic.messages", { choices: [{ message, ...ending }] })).toMatchObject(expected);
    const sse = `${chunk({ delta: { content: "So" } })}${chunk({ delta: {}, ...ending })}data: [DONE]\n\n`;
    const { events, document } = streamed("openai", "anthropic.messages", sse);
    expect(document).toMatchObject(expected);
    expect(events.at(-2)).toMatchObject({ type: "message_delta", delta: expected });
  });

  test("of a model that says so in words is a refusal, and its words stand in it", () => {
    const refusal = { content: [{ type: "text", text: why }], stop_reason: "refusal" };
    const stop_details = { type: "refusal", category: null, explanation: why };
    const message = { role: "assistant", content: null, refusal: why };
    const body = { choices: [{ message, finish_reason: "stop" }] };
    expect(whole("openai", "anthropic.messages", body)).toMatchObject({ ...refusal, stop_details });
    const halves = [why.slice(0, 9), why.slice(9)].map((refusal) => chunk({ delta: { refusal } }));
    const sse = `${halves.join("")}${chunk({ delta: {}, finish_reason: "stop" })}data: [DONE]\n\n`;
    const { events, document } = streamed("openai", "anthropic.messages", sse);
    expect(document).toMatchObject({ ...refusal, stop_details });
    expect(events.at(-2)).toMatchObject({ delta: { stop_reason: "refusal", stop_details } });
  });

  test("of Gemini has the vendor's words and the kind of harm", () => {
    const explanation = `${why} Category: HARM_CATEGORY_HATE_SPEECH.`;
    const expected = { stop_reason: "refusal", stop_details: { type: "refusal", category: null, explanation } };
    expect(whole("gemini", "anthropic.messages", upstreams.gemini.whole)).toMatchObject(expected);
    expect(streamed("gemini", "anthropic.messages", upstreams.gemini.sse).document).toMatchObject(expected);
  });
});

test("a response in which a chat's model says that it declines is complete, as at OpenAI", () => {
  const body = { choices: [{ message: { role: "assistant", content: null, refusal: why }, finish_reason: "stop" }] };
  const content = [{ type: "refusal", refusal: why }];
  expect(whole("openai", "openai.responses", body)).toMatchObject({ status: "completed", output: [{ content }] });
});
