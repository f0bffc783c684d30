import type { Asked } from "../../../domain/exchange.ts";
import { nameOf, noteUnknownFields } from "../../../domain/notes.ts";
import { asArray, asObject, asString, type JsonObject, parseJson } from "../../../wire/json.ts";
import { type InnerFields, noteUnknownInside } from "../inner-fields.ts";
import type { ClientDialect, Note } from "../neutral/formats.ts";
import { defaultReasoning, isEffort, type Reasoning, reasoningOf } from "../neutral/reasoning.ts";
import { cannotExpress } from "../neutral/refuse.ts";
import type { FieldName, NeutralRequest } from "../neutral/request.ts";
import { refuseState } from "./conversation-state.ts";
import { responseIdOf, responsesFormat } from "./format-name.ts";
import { keeping } from "./keeping.ts";
import { type Namespaces, readNamespaces } from "./namespaces.ts";
import { parseInput } from "./parse-input.ts";
import { parseOutput, parseTools } from "./parse-tools.ts";
import { reasonOf, writeResponse } from "./write-response.ts";
import { writeResponseStream } from "./write-stream.ts";

/** Names of this dialect for the fields of the neutral request. */
const paths: Readonly<Partial<Record<FieldName, string>>> = {
  messages: "input",
  tools: "tools",
  toolChoice: "tool_choice",
  parallelToolCalls: "parallel_tool_calls",
  output: "text.format",
  maxTokens: "max_output_tokens",
  temperature: "temperature",
  topP: "top_p",
  logprobs: "include",
  topLogprobs: "top_logprobs",
  reasoning: "reasoning",
  webSearch: "tools",
  user: "safety_identifier",
  serviceTier: "service_tier",
  verbosity: "text.verbosity",
  cacheKey: "prompt_cache_key",
};

/** Fields that are read, or that are about the answer's form and so served here. `metadata` comes back on the answer. */
const known: ReadonlySet<string> = new Set([
  ...["model", "input", "instructions", "stream", "stream_options", "store", "metadata", "include", "background"],
  ...["max_output_tokens", "temperature", "top_p", "top_logprobs", "tools", "tool_choice", "parallel_tool_calls"],
  ...["text", "reasoning", "user", "safety_identifier", "service_tier", "prompt_cache_key", "truncation"],
  ...["previous_response_id", "conversation", "prompt"],
]);

const part = ["type", "prompt_cache_breakpoint"];
const inside: InnerFields = {
  "tools[]": { function: ["type", "name", "description", "parameters", "strict"] },
  reasoning: ["effort", "summary"],
  text: ["format", "verbosity"],
  "text.format": ["type", "name", "description", "schema", "strict"],
  "input[].content[]": {
    input_text: [...part, "text"],
    input_image: [...part, "image_url", "file_id", "detail"],
    input_file: [...part, "file_id", "file_data", "file_url", "filename"],
  },
};

/** What may be asked to be included: encrypted reasoning always is. */
const included: ReadonlySet<unknown> = new Set(["reasoning.encrypted_content", "message.output_text.logprobs"]);

/** OpenAI's responses, as clients speak it. What is kept of a conversation the gateway has put into the input. */
export const responsesDialect: ClientDialect = {
  name: responsesFormat,
  messageId: responseIdOf,
  open(asked, note) {
    const body = bodyOf(asked);
    const namespaces = readNamespaces(body.tools);
    const kept = keeping(asked);
    return {
      request: parseRequest(body, namespaces, note),
      whole: (answer, head, end) => writeResponse(body, answer, { ...head, ...kept }, end, namespaces.placeOf),
      finishReason: ({ choices: [choice] }) => reasonOf(choice?.finish),
      stream: (head) => writeResponseStream(body, { ...head, ...kept }, namespaces.placeOf),
    };
  },
};

function bodyOf({ body }: Asked): JsonObject {
  return asObject(parseJson(Buffer.from(body).toString())) ?? {};
}

function parseRequest(body: JsonObject, namespaces: Namespaces, note: Note): NeutralRequest {
  refuseState(body);
  if (asObject(body.prompt) !== undefined) throw cannotExpress("prompt", "templates are kept at another vendor");
  noteUnknownFields(body, known, note);
  noteUnknownInside(body, inside, note);
  if (body.truncation === "auto") note("truncation dropped: the input is never cut here");
  const include = asArray(body.include);
  for (const name of include) {
    const shown = typeof name === "string" ? nameOf(name) : "an entry that is no text";
    if (!included.has(name)) note(`include: ${shown} dropped: the upstream has no such thing`);
  }
  const text = asObject(body.text) ?? {};
  const { tools, webSearch, toolChoice } = parseTools(body, namespaces, note);
  const topLogprobs = numberOf(body.top_logprobs);
  const logprobs = include.includes("message.output_text.logprobs") || (topLogprobs ?? 0) > 0;
  return {
    messages: parseInput(body, namespaces, note),
    tools,
    toolChoice,
    parallelToolCalls: typeof body.parallel_tool_calls === "boolean" ? body.parallel_tool_calls : undefined,
    output: parseOutput(asObject(text.format)),
    maxTokens: numberOf(body.max_output_tokens),
    temperature: numberOf(body.temperature),
    topP: numberOf(body.top_p),
    stop: [],
    logprobs: logprobs ? true : undefined,
    topLogprobs: logprobs ? topLogprobs : undefined,
    choices: 1,
    reasoning: parseReasoning(asObject(body.reasoning)),
    webSearch,
    user: asString(body.safety_identifier) ?? asString(body.user),
    serviceTier: asString(body.service_tier),
    verbosity: asString(text.verbosity),
    modalities: [],
    cacheKey: asString(body.prompt_cache_key),
    paths: asString(body.safety_identifier) === undefined ? { ...paths, user: "user" } : paths,
  };
}

/** A summary that is asked for says that thinking is shown; without an effort it says nothing of thinking. */
function parseReasoning(reasoning: JsonObject | undefined): Reasoning {
  const effort = reasoning?.effort;
  if (!isEffort(effort)) return defaultReasoning;
  return { ...reasoningOf(effort), ...(asString(reasoning?.summary) === undefined ? {} : { show: true }) };
}

function numberOf(value: unknown): number | undefined {
  return typeof value === "number" ? value : undefined;
}
