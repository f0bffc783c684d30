import type { Behaviour } from "../behaviour.ts";
import { type Ask, type Composed, compose, countInput, type Finish, type InputTokens } from "../compose.ts";
import { deliverJson, deliverStream } from "../deliver.ts";
import { type Exchange, InvalidRequest, type Route } from "../exchange.ts";
import { arrayOf, isObject, type Json, objectOf, stringOf } from "../json.ts";
import { kindsIn, vendorFields, writtenForHour } from "../reports.ts";
import { boundOf, choiceOf, effortTokens, openaiFormat, stopOf, toolsOf } from "./openai.ts";

/** POST /v1/chat/completions. */
export const chatCompletions: Route = {
  format: openaiFormat,
  readsBody: true,
  answer(exchange, body) {
    const ask = askOf(exchange.model, body);
    const n = typeof body.n === "number" && Number.isInteger(body.n) && body.n > 0 && body.n <= 128 ? body.n : 1;
    const choices: Composed[] = [];
    for (let index = 0; index < n; index += 1) choices.push(compose(ask, exchange.behaviour, index));
    const answer: ChatAnswer = {
      id: `chatcmpl-${exchange.id}`,
      created: Math.floor(exchange.entry.receivedAtMs / 1_000),
      model: exchange.model,
      choices,
      input: countInput(ask, exchange.behaviour),
      logprobs: body.logprobs === true,
      topLogprobs: typeof body.top_logprobs === "number" ? body.top_logprobs : 0,
      legacy: body.tools === undefined && body.functions !== undefined,
      behaviour: exchange.behaviour,
    };
    if (body.stream === true) stream(exchange, answer, objectOf(body.stream_options).include_usage === true);
    else deliverJson(exchange, openaiFormat, whole(answer, exchange.behaviour.usage));
  },
};

interface ChatAnswer {
  readonly id: string;
  readonly created: number;
  readonly model: string;
  readonly choices: readonly Composed[];
  readonly input: InputTokens;
  readonly logprobs: boolean;
  readonly topLogprobs: number;
  /** True: the caller speaks `functions`, not `tools`. */
  readonly legacy: boolean;
  readonly behaviour: Behaviour;
}

function askOf(model: string, body: Json): Ask {
  const messages = body.messages;
  if (!Array.isArray(messages) || messages.length === 0) {
    throw new InvalidRequest("Invalid 'messages': expected a non-empty array.", "messages");
  }
  let inputLength = 0;
  let images = 0;
  let prompt = "";
  for (const item of messages) {
    const message = objectOf(item);
    let text = stringOf(message.content);
    for (const part of arrayOf(message.content)) {
      const { type, text: partText } = objectOf(part);
      if (type === "text") text += stringOf(partText);
      else images += 1;
    }
    inputLength += text.length;
    if (message.tool_calls !== undefined) inputLength += JSON.stringify(message.tool_calls).length;
    prompt = message.role === "user" ? text : "";
  }
  const tools = toolsOf(body.tools);
  const functions = tools.length === 0 ? toolsOf(body.functions) : [];
  if (tools.length + functions.length > 0) inputLength += JSON.stringify(body.tools ?? body.functions).length;
  return {
    model,
    prompt,
    inputLength,
    messages: messages.length,
    images,
    maxTokens: boundOf(body.max_completion_tokens, body.max_tokens),
    stop: body.stop === undefined ? [] : stopOf(body.stop),
    tools: tools.length > 0 ? tools : functions,
    toolChoice: choiceOf(body.tool_choice ?? body.function_call),
    parallelTools: body.parallel_tool_calls !== false && functions.length === 0,
    json: jsonOf(body.response_format),
    reasoningTokens: reasoningOf(body),
  };
}

function jsonOf(format: unknown): Ask["json"] {
  if (!isObject(format)) return "";
  if (format.type === "json_object") return "object";
  return format.type === "json_schema" ? { schema: objectOf(format.json_schema).schema } : "";
}

function reasoningOf(body: Json): number {
  if (body.enable_thinking === true || objectOf(body.thinking).type === "enabled") {
    return effortTokens(body.reasoning_effort) || effortTokens("medium");
  }
  return effortTokens(body.reasoning_effort ?? objectOf(body.reasoning).effort);
}

function finishReason(finish: Finish, legacy: boolean): string {
  switch (finish) {
    case "calls":
      return legacy ? "function_call" : "tool_calls";
    case "filtered":
      return "content_filter";
    case "length":
      return "length";
    default:
      return "stop";
  }
}

function usageOf({ input, choices, behaviour }: ChatAnswer): Json {
  let output = 0;
  let reasoning = 0;
  for (const choice of choices) {
    output += choice.outputTokens;
    reasoning += choice.reasoning.length;
  }
  const given = kindsIn(input.total, behaviour);
  const made = kindsIn(output - reasoning, behaviour);
  const written = writtenForHour(input.total - input.cached, behaviour);
  return {
    prompt_tokens: input.total,
    completion_tokens: output,
    total_tokens: input.total + output,
    prompt_tokens_details: {
      cached_tokens: input.cached,
      audio_tokens: given.audio,
      ...(given.image > 0 ? { image_tokens: given.image } : {}),
      ...(written > 0 ? { cache_write_tokens: written } : {}),
    },
    completion_tokens_details: {
      reasoning_tokens: reasoning,
      audio_tokens: made.audio,
      ...(made.image > 0 ? { image_tokens: made.image } : {}),
    },
    ...vendorFields(behaviour),
  };
}

const fingerprint = "throughline-simulator";

function whole(answer: ChatAnswer, withUsage: boolean): string {
  return JSON.stringify({
    id: answer.id,
    object: "chat.completion",
    created: answer.created,
    model: answer.model,
    choices: answer.choices.map((choice, index) => ({
      index,
      message: messageOf(answer, choice, index),
      logprobs: answer.logprobs
        ? { content: choice.text.map((piece) => logprobOf(piece, answer.topLogprobs)), refusal: null }
        : null,
      finish_reason: finishReason(choice.finish, answer.legacy),
    })),
    ...(withUsage ? { usage: usageOf(answer) } : {}),
    service_tier: answer.behaviour.tier || "default",
    system_fingerprint: fingerprint,
  });
}

function messageOf(answer: ChatAnswer, choice: Composed, index: number): Json {
  const called = choice.calls.length > 0;
  const message: Record<string, unknown> = {
    role: "assistant",
    content: called ? null : choice.text.join(""),
    refusal: null,
  };
  if (choice.reasoning.length > 0) message.reasoning_content = choice.reasoning.join("");
  if (called && answer.legacy) {
    message.function_call = { name: choice.calls[0]?.name, arguments: choice.calls[0]?.pieces.join("") };
  } else if (called) {
    message.tool_calls = choice.calls.map((call, at) => {
      const input = call.pieces.join("");
      const id = callId(answer, index, at);
      return call.custom
        ? { id, type: "custom", custom: { name: call.name, input } }
        : { id, type: "function", function: { name: call.name, arguments: input } };
    });
  }
  return message;
}

function callId(answer: ChatAnswer, choice: number, call: number): string {
  return `call_${answer.id.slice("chatcmpl-req_".length)}_${choice}_${call}`;
}

function logprobOf(token: string, top: number): Json {
  const bytes = [...Buffer.from(token)];
  const one = { token, logprob: -0.01, bytes };
  return {
    ...one,
    top_logprobs: Array.from({ length: top }, (_, rank) =>
      rank === 0 ? one : { token: `${token}${rank}`, logprob: -5 - rank, bytes: [...Buffer.from(`${token}${rank}`)] },
    ),
  };
}

function stream(exchange: Exchange, answer: ChatAnswer, includeUsage: boolean): void {
  const withUsage = includeUsage && exchange.behaviour.usage;
  // The part that does not change from chunk to chunk is written once.
  const head = `data: {"id":"${answer.id}","object":"chat.completion.chunk","created":${answer.created},"model":${JSON.stringify(answer.model)},"service_tier":"${answer.behaviour.tier || "default"}","system_fingerprint":"${fingerprint}","choices":`;
  const noUsage = withUsage ? ',"usage":null' : "";
  const chunk = (index: number, delta: string, logprobs: string, finish: string) =>
    `${head}[{"index":${index},"delta":${delta},"logprobs":${logprobs},"finish_reason":${finish}}]${noUsage}}\n\n`;
  const close = answer.choices.map((choice, index) =>
    chunk(index, "{}", "null", `"${finishReason(choice.finish, answer.legacy)}"`),
  );
  if (withUsage) close.push(`${head}[],"usage":${JSON.stringify(usageOf(answer))}}\n\n`);
  deliverStream(exchange, openaiFormat, {
    contentType: "text/event-stream; charset=utf-8",
    open: answer.choices.map((choice, index) =>
      chunk(
        index,
        choice.calls.length > 0
          ? '{"role":"assistant","content":null}'
          : '{"role":"assistant","content":"","refusal":null}',
        "null",
        "null",
      ),
    ),
    tokens: tokens(answer, chunk),
    tokenCount: answer.choices.reduce((sum, choice) => sum + choice.outputTokens, 0),
    close,
    done: "data: [DONE]\n\n",
    malformed: `${head}[{"index":0,"delta":{"content":"brok\n\n`,
    error: `data: {"error":{"message":"Simulated: the server had an error while processing your request.","type":"server_error","param":null,"code":"server_error"}}\n\n`,
  });
}

type Chunk = (index: number, delta: string, logprobs: string, finish: string) => string;

function* tokens(answer: ChatAnswer, chunk: Chunk): Generator<string> {
  for (const [index, choice] of answer.choices.entries()) {
    for (const piece of choice.reasoning) {
      yield chunk(index, `{"reasoning_content":${JSON.stringify(piece)}}`, "null", "null");
    }
    for (const piece of choice.text) {
      const logprobs = answer.logprobs
        ? JSON.stringify({ content: [logprobOf(piece, answer.topLogprobs)], refusal: null })
        : "null";
      yield chunk(index, `{"content":${JSON.stringify(piece)}}`, logprobs, "null");
    }
    for (const [at, call] of choice.calls.entries()) yield* callTokens(answer, chunk, index, at, call);
  }
}

/** The first piece names the call, so it travels with the first token. */
function* callTokens(
  answer: ChatAnswer,
  chunk: Chunk,
  index: number,
  at: number,
  call: Composed["calls"][number],
): Generator<string> {
  const kind = call.custom ? "custom" : "function";
  const field = call.custom ? "input" : "arguments";
  for (const [place, piece] of call.pieces.entries()) {
    const named = place === 0 ? { name: call.name } : {};
    if (answer.legacy) {
      yield chunk(index, JSON.stringify({ function_call: { ...named, arguments: piece } }), "null", "null");
      continue;
    }
    const start = place === 0 ? { id: callId(answer, index, at), type: kind } : {};
    const delta = { tool_calls: [{ index: at, ...start, [kind]: { ...named, [field]: piece } }] };
    yield chunk(index, JSON.stringify(delta), "null", "null");
  }
}
