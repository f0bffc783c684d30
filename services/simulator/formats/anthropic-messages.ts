import type { Behaviour } from "../behaviour.ts";
import { type Ask, type Composed, compose, countInput, type Finish, type InputTokens } from "../compose.ts";
import { deliverJson, deliverStream } from "../deliver.ts";
import { type Exchange, InvalidRequest, type Route, type WireFormat } from "../exchange.ts";
import { arrayOf, countOf, type Json, objectOf, parsedObject, stringOf } from "../json.ts";
import { writtenForHour } from "../reports.ts";
import { effortTokens } from "./openai.ts";

const errorTypes: Readonly<Record<number, string>> = {
  400: "invalid_request_error",
  401: "authentication_error",
  402: "billing_error",
  403: "permission_error",
  404: "not_found_error",
  409: "conflict_error",
  413: "request_too_large",
  429: "rate_limit_error",
  504: "timeout_error",
  529: "overloaded_error",
};

/** Errors and headers of the Anthropic format. */
export const anthropicFormat: WireFormat = {
  requestIdHeader: "request-id",
  errorBody: ({ status, message, code }, requestId) =>
    JSON.stringify({
      type: "error",
      error: {
        type: errorTypes[status] ?? (status < 500 ? "invalid_request_error" : "api_error"),
        message,
        ...(code === "insufficient_quota" ? { details: { error_code: "enforced_spend_limit_reached" } } : {}),
      },
      request_id: requestId,
    }),
};

/** POST /v1/messages. */
export const messages: Route = {
  format: anthropicFormat,
  readsBody: true,
  answer(exchange, body) {
    const version = stringOf(exchange.request.headers["anthropic-version"]);
    if (version === "") throw new InvalidRequest("anthropic-version: header is required", null);
    if (countOf(body.max_tokens) === undefined) {
      throw new InvalidRequest("max_tokens: Field required", "max_tokens");
    }
    const sampling = ["temperature", "top_p", "top_k"].find((name) => body[name] !== undefined);
    if (sampling !== undefined && version >= "2026-10-21") {
      throw new InvalidRequest(`${sampling}: not accepted in this API version`, sampling);
    }
    answerMessages(exchange, body);
  },
};

/** Answers a request, wherever the format is spoken. */
export function answerMessages(exchange: Exchange, body: Json): void {
  const ask = askOf(exchange.model, body);
  const answer: MessageAnswer = {
    id: `msg_${exchange.id}`,
    model: exchange.model,
    composed: compose(ask, exchange.behaviour, 0),
    input: countInput(ask, exchange.behaviour),
    withUsage: exchange.behaviour.usage,
    behaviour: exchange.behaviour,
  };
  if (body.stream === true) stream(exchange, answer);
  else deliverJson(exchange, anthropicFormat, whole(answer));
}

/** POST /v1/messages/count_tokens. */
export const countTokens: Route = {
  format: anthropicFormat,
  readsBody: true,
  answer: answerCount,
};

/** Answers with the count of a request's input, wherever the format is spoken. */
export function answerCount(exchange: Exchange, body: Json): void {
  const { total } = countInput(askOf(exchange.model, body), exchange.behaviour);
  deliverJson(exchange, anthropicFormat, JSON.stringify({ input_tokens: total }));
}

interface MessageAnswer {
  readonly id: string;
  readonly model: string;
  readonly composed: Composed;
  readonly input: InputTokens;
  readonly withUsage: boolean;
  readonly behaviour: Behaviour;
}

function askOf(model: string, body: Json): Ask {
  const turns = body.messages;
  if (!Array.isArray(turns) || turns.length === 0) {
    throw new InvalidRequest("messages: at least one message is required", "messages");
  }
  let { length: inputLength } = textOf(body.system);
  let images = 0;
  let prompt = "";
  for (const item of turns) {
    const turn = objectOf(item);
    const text = textOf(turn.content);
    inputLength += text.length;
    for (const block of arrayOf(turn.content).map(objectOf)) {
      if (block.type === "image" || block.type === "document") images += 1;
      else if (block.type !== "text") inputLength += JSON.stringify(block).length;
    }
    prompt = turn.role === "user" ? text : "";
  }
  const tools = arrayOf(body.tools).map((tool) => {
    const { name, input_schema: schema } = objectOf(tool);
    return { name: stringOf(name), schema: schema ?? {} };
  });
  if (tools.length > 0) inputLength += JSON.stringify(body.tools).length;
  const choice = objectOf(body.tool_choice);
  const output = objectOf(body.output_config);
  return {
    model,
    prompt,
    inputLength,
    messages: turns.length,
    images,
    maxTokens: countOf(body.max_tokens) ?? Number.POSITIVE_INFINITY,
    stop: arrayOf(body.stop_sequences).map(stringOf),
    tools,
    toolChoice:
      choice.type === "any"
        ? "required"
        : choice.type === "none"
          ? "none"
          : choice.type === "tool"
            ? { name: stringOf(choice.name) }
            : "auto",
    parallelTools: choice.disable_parallel_tool_use !== true,
    json: objectOf(output.format).type === "json_schema" ? { schema: objectOf(output.format).schema } : "",
    reasoningTokens: ["enabled", "adaptive"].includes(stringOf(objectOf(body.thinking).type))
      ? effortTokens(output.effort ?? "medium")
      : 0,
  };
}

function textOf(content: unknown): string {
  if (typeof content === "string") return content;
  let text = "";
  for (const block of arrayOf(content).map(objectOf)) if (block.type === "text") text += stringOf(block.text);
  return text;
}

const stopReasons: Readonly<Record<Finish, string>> = {
  stop: "end_turn",
  stop_sequence: "stop_sequence",
  length: "max_tokens",
  calls: "tool_use",
  filtered: "refusal",
};

function stopOf({ composed }: MessageAnswer): Json {
  return {
    stop_reason: stopReasons[composed.finish],
    stop_sequence: composed.stopSequence,
    ...(composed.finish === "filtered"
      ? { stop_details: { type: "refusal", category: null, explanation: "Simulated refusal." } }
      : { stop_details: null }),
  };
}

function usageOf({ input, composed, behaviour }: MessageAnswer, outputTokens: number): Json {
  const written = writtenForHour(input.total - input.cached, behaviour);
  const { searches, tier } = behaviour;
  return {
    input_tokens: input.total - input.cached - written,
    cache_creation_input_tokens: written,
    cache_read_input_tokens: input.cached,
    cache_creation: { ephemeral_5m_input_tokens: 0, ephemeral_1h_input_tokens: written },
    output_tokens: outputTokens,
    output_tokens_details: { thinking_tokens: Math.min(composed.reasoning.length, outputTokens) },
    server_tool_use: searches > 0 ? { web_search_requests: searches, web_fetch_requests: 0 } : null,
    service_tier: tier || "standard",
  };
}

const signature = "c2ltdWxhdGVkLXNpZ25hdHVyZQ==";

function callId(answer: MessageAnswer, at: number): string {
  return `toolu_${answer.id.slice("msg_req_".length)}_${at}`;
}

function whole(answer: MessageAnswer): string {
  const { composed } = answer;
  const content: Json[] = [];
  if (composed.reasoning.length > 0) {
    content.push({ type: "thinking", thinking: composed.reasoning.join(""), signature });
  }
  if (composed.text.length > 0) content.push({ type: "text", text: composed.text.join(""), citations: null });
  for (const [at, call] of composed.calls.entries()) {
    content.push({
      type: "tool_use",
      id: callId(answer, at),
      name: call.name,
      input: parsedObject(call.pieces.join("")),
    });
  }
  return JSON.stringify({
    id: answer.id,
    type: "message",
    role: "assistant",
    model: answer.model,
    content,
    ...stopOf(answer),
    container: null,
    ...(answer.withUsage ? { usage: usageOf(answer, composed.outputTokens) } : {}),
  });
}

function event(data: Json): string {
  return `event: ${stringOf(data.type)}\ndata: ${JSON.stringify(data)}\n\n`;
}

function stream(exchange: Exchange, answer: MessageAnswer): void {
  const message = {
    id: answer.id,
    type: "message",
    role: "assistant",
    model: answer.model,
    content: [],
    stop_reason: null,
    stop_sequence: null,
    stop_details: null,
    container: null,
    ...(answer.withUsage ? { usage: usageOf(answer, Math.min(1, answer.composed.outputTokens)) } : {}),
  };
  deliverStream(exchange, anthropicFormat, {
    contentType: "text/event-stream; charset=utf-8",
    open: [event({ type: "message_start", message }), event({ type: "ping" })],
    tokens: tokens(answer),
    tokenCount: answer.composed.outputTokens,
    close: [
      event({
        type: "message_delta",
        delta: stopOf(answer),
        ...(answer.withUsage ? { usage: usageOf(answer, answer.composed.outputTokens) } : {}),
      }),
    ],
    done: event({ type: "message_stop" }),
    malformed: 'event: content_block_delta\ndata: {"type":"content_block_delta","index":0,"delta":{"ty\n\n',
    error: event({ type: "error", error: { type: "overloaded_error", message: "Simulated: Overloaded." } }),
  });
}

interface Block {
  readonly start: Json;
  readonly pieces: readonly string[];
  readonly delta: (piece: string) => Json;
  /** What follows the last piece, before the block's end. */
  readonly last: Json | undefined;
}

function* tokens(answer: MessageAnswer): Generator<string> {
  const { reasoning, text, calls } = answer.composed;
  const blocks: Block[] = [
    {
      start: { type: "thinking", thinking: "", signature: "" },
      pieces: reasoning,
      delta: (thinking) => ({ type: "thinking_delta", thinking }),
      last: { type: "signature_delta", signature },
    },
    {
      start: { type: "text", text: "" },
      pieces: text,
      delta: (piece) => ({ type: "text_delta", text: piece }),
      last: undefined,
    },
    ...calls.map(({ name, pieces }, at) => ({
      start: { type: "tool_use", id: callId(answer, at), name, input: {} },
      pieces,
      delta: (piece: string) => ({ type: "input_json_delta", partial_json: piece }),
      last: undefined,
    })),
  ];
  let index = 0;
  for (const { start, pieces, delta, last } of blocks) {
    if (pieces.length === 0) continue;
    for (const [at, piece] of pieces.entries()) {
      // A block's start and end travel with its first and last token.
      const before = at === 0 ? event({ type: "content_block_start", index, content_block: start }) : "";
      const signed = last === undefined ? "" : event({ type: "content_block_delta", index, delta: last });
      const after = at === pieces.length - 1 ? signed + event({ type: "content_block_stop", index }) : "";
      yield before + event({ type: "content_block_delta", index, delta: delta(piece) }) + after;
    }
    index += 1;
  }
}
