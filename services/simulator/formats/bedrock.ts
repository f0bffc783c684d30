import type { Behaviour } from "../behaviour.ts";
import { type Ask, type Composed, compose, countInput, type Finish, type InputTokens } from "../compose.ts";
import { deliverError, deliverJson, deliverStream } from "../deliver.ts";
import type { Exchange, Route, WireFormat } from "../exchange.ts";
import { arrayOf, countOf, type Json, objectOf, parsedObject, stringOf } from "../json.ts";
import { writtenForHour } from "../reports.ts";
import { damagedFrame, eventFrame, exceptionFrame, framesType } from "./bedrock-frames.ts";
import { checkConversation } from "./bedrock-rules.ts";
import { refusedSignature } from "./bedrock-signature.ts";
import { effortTokens } from "./openai.ts";

const errorTypes: Readonly<Record<number, string>> = {
  400: "ValidationException",
  403: "AccessDeniedException",
  404: "ResourceNotFoundException",
  408: "ModelTimeoutException",
  424: "ModelErrorException",
  429: "ThrottlingException",
  500: "InternalServerException",
  503: "ServiceUnavailableException",
};

/** Errors and headers of Bedrock: the type of an error stands in a header. */
const bedrockFormat: WireFormat = {
  requestIdHeader: "x-amzn-requestid",
  errorBody: ({ message }) => JSON.stringify({ message }),
  errorHeaders: ({ status, code }) => ({
    "x-amzn-errortype": code.endsWith("Exception")
      ? code
      : (errorTypes[status] ?? (status < 500 ? "ValidationException" : "InternalServerException")),
  }),
};

/** POST /model/{model}/converse. */
export const converse: Route = signed((exchange, body) => {
  deliverJson(exchange, bedrockFormat, whole(answerOf(exchange, body)));
});

/** POST /model/{model}/converse-stream. */
export const converseStream: Route = signed((exchange, body) => stream(exchange, answerOf(exchange, body)));

/** POST /model/{model}/count-tokens. */
export const converseCount: Route = signed((exchange, body) => {
  const { total } = countInput(askOf(exchange.model, objectOf(objectOf(body.input).converse)), exchange.behaviour);
  deliverJson(exchange, bedrockFormat, JSON.stringify({ inputTokens: total }));
});

function signed(answer: Route["answer"]): Route {
  return {
    format: bedrockFormat,
    readsBody: true,
    answer(exchange, body, target) {
      const refusal = refusedSignature(exchange);
      if (refusal === undefined) answer(exchange, body, target);
      else deliverError(exchange, bedrockFormat, refusal);
    },
  };
}

interface ConverseAnswer {
  readonly id: string;
  readonly composed: Composed;
  readonly input: InputTokens;
  readonly guarded: boolean;
  readonly behaviour: Behaviour;
}

function answerOf(exchange: Exchange, body: Json): ConverseAnswer {
  checkConversation(body);
  const { behaviour, id } = exchange;
  const ask = askOf(exchange.model, body);
  return {
    id,
    composed: compose(ask, behaviour, 0),
    input: countInput(ask, behaviour),
    guarded: body.guardrailConfig !== undefined,
    behaviour,
  };
}

function askOf(model: string, body: Json): Ask {
  const turns = arrayOf(body.messages).map(objectOf);
  let { length: inputLength } = textOf(body.system);
  let images = 0;
  let prompt = "";
  for (const { role, content } of turns) {
    const text = textOf(content);
    inputLength += text.length;
    for (const block of arrayOf(content).map(objectOf)) {
      if ("image" in block || "document" in block) images += 1;
      else if (!("text" in block || "cachePoint" in block)) inputLength += JSON.stringify(block).length;
    }
    prompt = role === "user" ? text : "";
  }
  const { tools, toolChoice } = objectOf(body.toolConfig);
  const specs = arrayOf(tools).flatMap((tool) => {
    const { toolSpec } = objectOf(tool);
    return toolSpec === undefined ? [] : [objectOf(toolSpec)];
  });
  if (specs.length > 0) inputLength += JSON.stringify(specs).length;
  const choice = objectOf(toolChoice);
  const bounds = objectOf(body.inferenceConfig);
  const { textFormat, effort } = objectOf(body.outputConfig);
  const { schema } = objectOf(objectOf(objectOf(textFormat).structure).jsonSchema);
  const more = objectOf(body.additionalModelRequestFields);
  const thinks = ["enabled", "adaptive"].includes(stringOf(objectOf(more.thinking).type)) || more.reasoningConfig;
  return {
    model,
    prompt,
    inputLength,
    messages: turns.length,
    images,
    maxTokens: countOf(bounds.maxTokens) ?? Number.POSITIVE_INFINITY,
    stop: arrayOf(bounds.stopSequences).map(stringOf),
    tools: specs.map(({ name, inputSchema }) => ({ name: stringOf(name), schema: objectOf(inputSchema).json ?? {} })),
    toolChoice: choice.any !== undefined ? "required" : choice.tool === undefined ? "auto" : nameIn(choice.tool),
    parallelTools: true,
    json: typeof schema === "string" ? { schema: parsedObject(schema) } : "",
    reasoningTokens: thinks ? effortTokens(effort ?? "medium") : 0,
  };
}

function nameIn(tool: unknown): { readonly name: string } {
  return { name: stringOf(objectOf(tool).name) };
}

function textOf(content: unknown): string {
  return arrayOf(content)
    .map((block) => stringOf(objectOf(block).text))
    .join("");
}

const stopReasons: Readonly<Record<Finish, string>> = {
  stop: "end_turn",
  stop_sequence: "stop_sequence",
  length: "max_tokens",
  calls: "tool_use",
  filtered: "content_filtered",
};

function stopReason({ composed: { finish }, guarded }: ConverseAnswer): string {
  return finish === "filtered" && guarded ? "guardrail_intervened" : stopReasons[finish];
}

function reportOf({ input, composed, behaviour }: ConverseAnswer): Json {
  const cacheWriteInputTokens = writtenForHour(input.total - input.cached, behaviour);
  const usage = {
    inputTokens: input.total - input.cached - cacheWriteInputTokens,
    outputTokens: composed.outputTokens,
    totalTokens: input.total + composed.outputTokens,
    cacheReadInputTokens: input.cached,
    cacheWriteInputTokens,
    cacheDetails: cacheWriteInputTokens > 0 ? [{ ttl: "1h", inputTokens: cacheWriteInputTokens }] : [],
  };
  return {
    ...(behaviour.usage ? { usage } : {}),
    metrics: { latencyMs: 1 },
    ...(behaviour.tier === "" ? {} : { serviceTier: { type: behaviour.tier } }),
  };
}

const signature = "c2ltdWxhdGVkLXNpZ25hdHVyZQ==";

function callId({ id }: ConverseAnswer, at: number): string {
  return `tooluse_${id.slice("req_".length)}_${at}`;
}

function whole(answer: ConverseAnswer): string {
  const { reasoning, text, calls } = answer.composed;
  const content: Json[] = [];
  if (reasoning.length > 0) {
    content.push({ reasoningContent: { reasoningText: { text: reasoning.join(""), signature } } });
  }
  if (text.length > 0) content.push({ text: text.join("") });
  for (const [at, { name, pieces }] of calls.entries()) {
    content.push({ toolUse: { toolUseId: callId(answer, at), name, input: parsedObject(pieces.join("")) } });
  }
  return JSON.stringify({
    output: { message: { role: "assistant", content } },
    stopReason: stopReason(answer),
    ...reportOf(answer),
  });
}

function stream(exchange: Exchange, answer: ConverseAnswer): void {
  const { composed } = answer;
  deliverStream(exchange, bedrockFormat, {
    contentType: framesType,
    open: [eventFrame("messageStart", { role: "assistant" })],
    tokens: tokens(answer),
    tokenCount: composed.outputTokens,
    close: [eventFrame("messageStop", { stopReason: stopReason(answer) }), eventFrame("metadata", reportOf(answer))],
    done: "",
    malformed: eventFrame("contentBlockDelta", '{"contentBlockIndex":0,"delta":{"te'),
    error: exceptionFrame("throttlingException", "Simulated: Too many requests, please wait before trying again."),
    damaged: damagedFrame(),
  });
}

interface Block {
  readonly start: Json | undefined;
  readonly pieces: readonly string[];
  readonly delta: (piece: string) => Json;
  /** What follows the last piece, before the block's end. */
  readonly last?: Json;
}

function* tokens(answer: ConverseAnswer): Generator<Uint8Array> {
  const { reasoning, text, calls } = answer.composed;
  const blocks: Block[] = [
    {
      start: undefined,
      pieces: reasoning,
      delta: (piece) => ({ reasoningContent: { text: piece } }),
      last: { reasoningContent: { signature } },
    },
    { start: undefined, pieces: text, delta: (piece) => ({ text: piece }) },
    ...calls.map(({ name, pieces }, at) => ({
      start: { toolUse: { toolUseId: callId(answer, at), name } },
      pieces,
      delta: (input: string) => ({ toolUse: { input } }),
    })),
  ];
  let contentBlockIndex = 0;
  for (const { start, pieces, delta, last } of blocks) {
    if (pieces.length === 0) continue;
    const added = (one: Json) => eventFrame("contentBlockDelta", { contentBlockIndex, delta: one });
    for (const [at, piece] of pieces.entries()) {
      // A block's start and end travel with its first and last token.
      const isLast = at === pieces.length - 1;
      yield Buffer.concat([
        ...(at === 0 && start !== undefined ? [eventFrame("contentBlockStart", { contentBlockIndex, start })] : []),
        added(delta(piece)),
        ...(isLast && last !== undefined ? [added(last)] : []),
        ...(isLast ? [eventFrame("contentBlockStop", { contentBlockIndex })] : []),
      ]);
    }
    contentBlockIndex += 1;
  }
}
