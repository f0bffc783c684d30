import { adapters } from "./adapters/registry.ts";
import type { AnswerFacts, Asked, Exchange, StreamTranslation } from "./domain/exchange.ts";
import { createEventFeed } from "./wire/event-feed.ts";

/** What every answer of these upstreams says. */
export const answerText = "The quick brown fox jumps over the lazy dog.";

/** A way in which an upstream answers: its format, and how it says a usage. */
export interface UsageFormat {
  readonly name: string;
  readonly adapter: string;
  readonly flavour: string;
  /** Dialects of clients that this format's answers are written for. */
  readonly dialects: readonly string[];
  /** Names of its counts, as paths. */
  readonly input: string;
  readonly output: string;
  readonly cached: string;
  readonly reasoning: string;
  /** The input's count leaves out what was cached. */
  readonly inputIsFresh: boolean;
  /** The output's count leaves out the reasoning. */
  readonly outputIsVisible: boolean;
  /** A whole answer. */
  whole(usage: unknown): object;
  /** A stream: the events up to its last text, and those from its end on. */
  stream(usages: readonly unknown[]): readonly { event?: string; data: object | string }[];
}

const chatNames = {
  input: "prompt_tokens",
  output: "completion_tokens",
  cached: "prompt_tokens_details.cached_tokens",
  reasoning: "completion_tokens_details.reasoning_tokens",
  inputIsFresh: false,
  outputIsVisible: false,
};
const everyDialect = ["openai.chat", "openai.completions", "openai.responses", "anthropic.messages"];
const openai = { adapter: "openai", flavour: "{}" };

/** Every format of upstreams. */
export const usageFormats: readonly UsageFormat[] = [
  {
    name: "chat",
    ...openai,
    dialects: everyDialect,
    ...chatNames,
    whole: (usage) => ({
      id: "x",
      model: "m",
      choices: [{ index: 0, message: { role: "assistant", content: answerText }, finish_reason: "stop" }],
      usage,
    }),
    stream: (usages) => [
      { data: { id: "x", model: "m", choices: [{ index: 0, delta: { role: "assistant", content: "" } }] } },
      { data: { id: "x", model: "m", choices: [{ index: 0, delta: { content: answerText } }] } },
      { data: { id: "x", model: "m", choices: [{ index: 0, delta: {}, finish_reason: "stop" }] } },
      ...usages.map((usage) => ({ data: { id: "x", model: "m", choices: [], usage } })),
      { data: "[DONE]" },
    ],
  },
  {
    name: "completions",
    adapter: "openai",
    flavour: '{"completions":true}',
    dialects: ["openai.completions"],
    ...chatNames,
    whole: (usage) => ({
      id: "x",
      model: "m",
      choices: [{ index: 0, text: answerText, finish_reason: "stop" }],
      usage,
    }),
    stream: (usages) => [
      { data: { id: "x", model: "m", choices: [{ index: 0, text: answerText, finish_reason: null }] } },
      { data: { id: "x", model: "m", choices: [{ index: 0, text: "", finish_reason: "stop" }] } },
      ...usages.map((usage) => ({ data: { id: "x", model: "m", choices: [], usage } })),
      { data: "[DONE]" },
    ],
  },
  {
    name: "responses",
    adapter: "openai",
    flavour: '{"responses":true}',
    dialects: ["openai.responses"],
    input: "input_tokens",
    output: "output_tokens",
    cached: "input_tokens_details.cached_tokens",
    reasoning: "output_tokens_details.reasoning_tokens",
    inputIsFresh: false,
    outputIsVisible: false,
    whole: (usage) => response(usage),
    stream: (usages) => [
      { event: "response.created", data: { type: "response.created", response: { id: "x", model: "m", output: [] } } },
      {
        event: "response.output_text.delta",
        data: { type: "response.output_text.delta", output_index: 0, content_index: 0, delta: answerText },
      },
      ...usages.map((usage) => ({
        event: "response.completed",
        data: { type: "response.completed", response: response(usage) },
      })),
    ],
  },
  {
    name: "messages",
    adapter: "anthropic",
    flavour: "{}",
    dialects: everyDialect,
    input: "input_tokens",
    output: "output_tokens",
    cached: "cache_read_input_tokens",
    reasoning: "output_tokens_details.thinking_tokens",
    inputIsFresh: true,
    outputIsVisible: false,
    whole: (usage) => ({
      id: "x",
      type: "message",
      role: "assistant",
      model: "m",
      content: [{ type: "text", text: answerText }],
      stop_reason: "end_turn",
      usage,
    }),
    stream: (usages) => [
      { event: "message_start", data: { type: "message_start", message: { id: "x", model: "m" } } },
      { data: { type: "content_block_start", index: 0, content_block: { type: "text", text: "" } } },
      { data: { type: "content_block_delta", index: 0, delta: { type: "text_delta", text: answerText } } },
      { data: { type: "content_block_stop", index: 0 } },
      ...usages.map((usage) => ({ data: { type: "message_delta", delta: { stop_reason: "end_turn" }, usage } })),
      { data: { type: "message_stop" } },
    ],
  },
  {
    name: "gemini",
    adapter: "gemini",
    flavour: "{}",
    dialects: everyDialect,
    input: "promptTokenCount",
    output: "candidatesTokenCount",
    cached: "cachedContentTokenCount",
    reasoning: "thoughtsTokenCount",
    inputIsFresh: false,
    outputIsVisible: true,
    whole: (usage) => ({ candidates: [candidate("STOP")], usageMetadata: usage }),
    stream: (usages) => [
      { data: { candidates: [candidate(undefined)] } },
      ...usages.map((usage) => ({
        data: { candidates: [{ content: { parts: [] }, finishReason: "STOP" }], usageMetadata: usage },
      })),
    ],
  },
  {
    name: "converse",
    adapter: "bedrock",
    flavour: '{"region":"us-east-1"}',
    dialects: everyDialect,
    input: "inputTokens",
    output: "outputTokens",
    cached: "cacheReadInputTokens",
    // The vendor does not tell it apart.
    reasoning: "none",
    inputIsFresh: true,
    outputIsVisible: false,
    whole: (usage) => ({
      output: { message: { role: "assistant", content: [{ text: answerText }] } },
      stopReason: "end_turn",
      usage,
    }),
    stream: (usages) => [
      { event: "messageStart", data: { role: "assistant" } },
      { event: "contentBlockDelta", data: { contentBlockIndex: 0, delta: { text: answerText } } },
      { event: "contentBlockStop", data: { contentBlockIndex: 0 } },
      { event: "messageStop", data: { stopReason: "end_turn" } },
      ...usages.map((usage) => ({ event: "metadata", data: { usage } })),
    ],
  },
];

function response(usage: unknown): object {
  const content = [{ type: "output_text", text: answerText }];
  return { id: "x", model: "m", status: "completed", output: [{ type: "message", content }], usage };
}

function candidate(finishReason: string | undefined): object {
  return { content: { parts: [{ text: answerText }] }, finishReason };
}

const moments = { sentUs: 0, firstByteUs: 1, firstContentUs: 1, lastByteUs: 2, nowUs: 3 };
const body = {
  model: "m",
  max_tokens: 50,
  messages: [{ role: "user", content: "hello" }],
  prompt: "hello",
  input: "hello",
};

/** Input tokens of the requests by the estimate of their reservation: no other count gives this number. */
export const reservedTokens = 4_321;

function exchangeOf(format: UsageFormat, dialect: string, stream: boolean, model = "m"): Exchange {
  const asked: Asked = {
    requestId: 7n,
    model: "m",
    upstreamModel: model,
    control: "",
    stream,
    includeUsage: true,
    body: Buffer.from(JSON.stringify(body)),
    estimatedInputTokens: reservedTokens,
    headers: {},
    createdUnixS: 1,
    keepResponse: true,
  };
  const exchange = adapters[format.adapter]?.open(format.flavour).exchanges[dialect]?.(asked);
  if (exchange === undefined) throw new Error(`${format.name} does not serve ${dialect}`);
  return exchange;
}

/** What becomes of an answer. */
export interface Answered {
  /** What is charged. */
  readonly usage: AnswerFacts["usage"];
  /** What the client reads. */
  readonly said: string;
  /** What history keeps of a stream. */
  readonly document?: ReturnType<StreamTranslation["document"]>;
}

/** What becomes of a whole answer of these bytes. */
export function answeredBy(format: UsageFormat, dialect: string, bytes: Buffer, model?: string): Answered {
  const whole = exchangeOf(format, dialect, false, model).whole(bytes, moments);
  return { usage: whole.usage, said: Buffer.from(whole.body).toString() };
}

/** What becomes of an answer with usages. */
export function answered(
  format: UsageFormat,
  dialect: string,
  stream: boolean,
  usages: readonly unknown[],
  model?: string,
): Answered {
  if (!stream) return answeredBy(format, dialect, Buffer.from(JSON.stringify(format.whole(usages.at(-1)))), model);
  const translation = exchangeOf(format, dialect, stream, model).stream();
  let said = "";
  const feed = createEventFeed((event) => {
    said += translation.event(event);
  });
  for (const { event, data } of format.stream(usages)) {
    const text = typeof data === "string" ? data : JSON.stringify(data);
    const named = event ?? (typeof data === "object" ? Reflect.get(data, "type") : undefined);
    feed.feed(Buffer.from(`${named === undefined ? "" : `event: ${named}\n`}data: ${text}\n\n`));
  }
  feed.end();
  if (!translation.isComplete()) throw new Error("the stream is not complete");
  said += translation.end(moments);
  return { usage: translation.facts().usage, said, document: translation.document(moments) };
}
