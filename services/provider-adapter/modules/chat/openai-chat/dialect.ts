import type { Asked } from "../../../domain/exchange.ts";
import { noteUnknownFields } from "../../../domain/notes.ts";
import { asArray, asObject, asString, type JsonObject, parseJson } from "../../../wire/json.ts";
import { type InnerFields, noteUnknownInside } from "../inner-fields.ts";
import type { ClientDialect, Note } from "../neutral/formats.ts";
import type { FieldName, NeutralRequest } from "../neutral/request.ts";
import { chatMessageId } from "./completion.ts";
import { chatFormat, parseMessages } from "./parse-messages.ts";
import { parseReasoning } from "./parse-reasoning.ts";
import { parseOutput, parseToolChoice, parseTools, parseWebSearch } from "./parse-tools.ts";
import { chatFinishReason, writeChatAnswer } from "./write-answer.ts";
import { writeChatStream } from "./write-stream.ts";

/** Names of the chat dialect for the fields of the neutral request. */
const paths: Readonly<Record<FieldName, string>> = {
  messages: "messages",
  tools: "tools",
  toolChoice: "tool_choice",
  parallelToolCalls: "parallel_tool_calls",
  output: "response_format",
  maxTokens: "max_tokens",
  temperature: "temperature",
  topP: "top_p",
  topK: "top_k",
  presencePenalty: "presence_penalty",
  frequencyPenalty: "frequency_penalty",
  seed: "seed",
  stop: "stop",
  logitBias: "logit_bias",
  logprobs: "logprobs",
  topLogprobs: "top_logprobs",
  choices: "n",
  reasoning: "reasoning_effort",
  webSearch: "web_search_options",
  user: "user",
  metadata: "metadata",
  serviceTier: "service_tier",
  verbosity: "verbosity",
  modalities: "modalities",
  audioOut: "audio",
  prediction: "prediction",
  cacheKey: "prompt_cache_key",
  cache: "cache_control",
};

/** Fields that are read, or that are about the answer's form and so served here. */
const known: ReadonlySet<string> = new Set([
  ...Object.values(paths),
  ...["model", "stream", "stream_options", "max_completion_tokens", "functions", "function_call", "reasoning"],
  ...["thinking", "enable_thinking", "google", "extra_body", "safety_identifier"],
]);

const part = ["type", "cache_control", "prompt_cache_breakpoint"];
const inside: InnerFields = {
  "tools[]": ["type", "function", "custom", "cache_control"],
  "tools[].function": ["name", "description", "parameters", "strict"],
  "response_format.json_schema": ["name", "description", "schema", "strict"],
  "messages[].content[]": { text: [...part, "text"], image_url: [...part, "image_url"], file: [...part, "file"] },
  "messages[].content[].image_url": ["url", "detail"],
  "messages[].content[].file": ["file_id", "file_data", "filename"],
};

/** OpenAI's chat completions, as clients speak it. */
export const chatDialect: ClientDialect = {
  name: chatFormat,
  messageId: chatMessageId,
  open(asked, note) {
    const body = bodyOf(asked);
    const request = parseRequest(body, note);
    // A client that speaks `functions` is answered in kind.
    const legacy = asArray(body.functions).length > 0 && asArray(body.tools).length === 0;
    return {
      request,
      whole: (answer, head, end) => writeChatAnswer(answer, head, end, legacy),
      finishReason: (answer) => chatFinishReason(answer.choices[0]?.finish, legacy),
      stream: (head) => writeChatStream(head, { legacy, includeUsage: asked.includeUsage }),
    };
  },
};

/** The body with `extra_body` spread over it: SDKs flatten it, a client that sends it as a field means the same. */
function bodyOf(asked: Asked): JsonObject {
  const body = asObject(parseJson(Buffer.from(asked.body).toString())) ?? {};
  const extra = asObject(body.extra_body);
  return extra === undefined ? body : { ...body, ...extra };
}

function parseRequest(body: JsonObject, note: Note): NeutralRequest {
  noteUnknownFields(body, known, note);
  noteUnknownInside(body, inside, note);
  const google = asObject(body.google);
  const maxTokens = numberOf(body.max_completion_tokens);
  return {
    messages: parseMessages(body.messages),
    tools: parseTools(body),
    toolChoice: parseToolChoice(body.tool_choice ?? body.function_call),
    parallelToolCalls: typeof body.parallel_tool_calls === "boolean" ? body.parallel_tool_calls : undefined,
    output: parseOutput(body.response_format),
    maxTokens: maxTokens ?? numberOf(body.max_tokens),
    temperature: numberOf(body.temperature),
    topP: numberOf(body.top_p),
    topK: numberOf(body.top_k),
    presencePenalty: numberOf(body.presence_penalty),
    frequencyPenalty: numberOf(body.frequency_penalty),
    seed: numberOf(body.seed),
    stop: typeof body.stop === "string" ? [body.stop] : stringsOf(body.stop),
    logitBias: asObject(body.logit_bias),
    logprobs: typeof body.logprobs === "boolean" ? body.logprobs : undefined,
    topLogprobs: numberOf(body.top_logprobs),
    choices: numberOf(body.n) ?? 1,
    reasoning: parseReasoning(body),
    webSearch: parseWebSearch(body.web_search_options),
    user: asString(body.safety_identifier) ?? asString(body.user),
    metadata: asObject(body.metadata),
    serviceTier: asString(body.service_tier),
    verbosity: asString(body.verbosity),
    modalities: stringsOf(body.modalities ?? google?.response_modalities).map((name) => name.toLowerCase()),
    audioOut: asObject(body.audio),
    prediction: asObject(body.prediction),
    cacheKey: asString(body.prompt_cache_key),
    cache: asObject(body.cache_control),
    google,
    paths: maxTokens === undefined ? paths : { ...paths, maxTokens: "max_completion_tokens" },
  };
}

function numberOf(value: unknown): number | undefined {
  return typeof value === "number" ? value : undefined;
}

function stringsOf(value: unknown): string[] {
  return asArray(value).filter((item) => typeof item === "string");
}
