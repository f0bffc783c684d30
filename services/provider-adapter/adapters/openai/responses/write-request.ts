import type { UpstreamMessage } from "../../../domain/exchange.ts";
import { endpointPath, type OpenaiFlavour } from "../../../domain/flavour.ts";
import type { Note, WriteContext } from "../../../modules/chat/neutral/formats.ts";
import { effortOf } from "../../../modules/chat/neutral/reasoning.ts";
import { cannotExpress } from "../../../modules/chat/neutral/refuse.ts";
import {
  type FieldName,
  type NeutralRequest,
  type OutputShape,
  pathOf,
  searchName,
  type Tool,
  type WebSearch,
} from "../../../modules/chat/neutral/request.ts";
import { standardTier } from "../../../modules/chat/openai-chat/standard-tier.ts";
import { responsesFormat } from "../../../modules/chat/openai-responses/format-name.ts";
import { asObject, asString, type JsonObject, parseJson } from "../../../wire/json.ts";
import { writeInput } from "./write-input.ts";

/** Fields that the format does not have. */
const ignored: readonly FieldName[] = [
  ...(["topK", "presencePenalty", "frequencyPenalty", "seed", "logitBias", "audioOut", "prediction", "cache"] as const),
];

/** Longest name of an end user. */
const maxUserLength = 64;

/** Writes a request in OpenAI's responses format, for a model that does not speak chat. */
export function writeResponsesRequest(
  request: NeutralRequest,
  { upstreamModel, stream, prices, note }: WriteContext,
  flavour: OpenaiFlavour,
): UpstreamMessage {
  if (request.choices !== 1) throw cannotExpress(pathOf(request, "choices"), "it gives one answer");
  if (request.modalities.some((modality) => modality !== "text")) {
    throw cannotExpress(pathOf(request, "modalities"), "it answers in text");
  }
  for (const field of ignored) {
    if (request[field as keyof NeutralRequest] !== undefined) drop(request, field, note);
  }
  if (request.stop.length > 0) drop(request, "stop", note);
  if (request.webSearch?.blockedDomains !== undefined) {
    throw cannotExpress(pathOf(request, "webSearch"), "its search takes no list of domains to leave out");
  }
  if (request.google !== undefined) note("google dropped: it is for another vendor");
  const tools = writeTools(request);
  const include = ["reasoning.encrypted_content", ...(request.logprobs ? ["message.output_text.logprobs"] : [])];
  const body: JsonObject = {
    model: upstreamModel,
    input: writeInput(request.messages, flavour, note),
    // An answer belongs to the client: nobody else is to find it at the vendor.
    store: false,
    include,
    ...(stream ? { stream: true } : {}),
    max_output_tokens: request.maxTokens,
    temperature: sampling(request, "temperature", "temperature", flavour, note),
    top_p: sampling(request, "topP", "top_p", flavour, note),
    top_logprobs: request.topLogprobs,
    tools: tools.length === 0 ? undefined : tools,
    tool_choice: tools.length === 0 ? undefined : writeChoice(request),
    // The search is the only tool here that the vendor carries out.
    max_tool_calls: request.webSearch?.maxUses,
    parallel_tool_calls: tools.length === 0 ? undefined : request.parallelToolCalls,
    text: writeText(request),
    reasoning: writeReasoning(request, flavour),
    safety_identifier: request.user?.slice(0, maxUserLength),
    metadata: request.metadata,
    prompt_cache_key: request.cacheKey,
  };
  const tier = request.serviceTier === undefined ? undefined : JSON.stringify(request.serviceTier);
  const standard = standardTier(flavour, prices, tier, note).service_tier ?? tier;
  if (standard !== undefined) body.service_tier = parseJson(standard);
  return {
    path: endpointPath(flavour, upstreamModel, "responses"),
    headers: {},
    body: Buffer.from(JSON.stringify(body)),
  };
}

function drop(request: NeutralRequest, field: FieldName, note: Note): void {
  note(`${pathOf(request, field)} dropped: the upstream's format has no such field`);
}

function sampling(
  request: NeutralRequest,
  field: "temperature" | "topP",
  name: string,
  { dropFields }: OpenaiFlavour,
  note: Note,
): number | undefined {
  const value = request[field];
  if (value === undefined || !dropFields.includes(name)) return value;
  note(`${pathOf(request, field)} dropped: the vendor does not take it`);
  return undefined;
}

function writeTools(request: NeutralRequest): JsonObject[] {
  const tools = request.tools.map(writeTool);
  if (request.webSearch !== undefined) tools.push(writeSearch(request.webSearch));
  return tools;
}

function writeTool(tool: Tool): JsonObject {
  switch (tool.kind) {
    case "function": {
      const { name, description, parameters, strict } = tool;
      // Without a word the format holds the model to the schema, and refuses schemas that are not closed.
      const given = parameters ?? { type: "object", properties: {} };
      return { type: "function", name, description, parameters: given, strict: strict ?? false };
    }
    case "custom": {
      const { name, description, format } = tool;
      const grammar = asObject(format?.grammar);
      return {
        type: "custom",
        name,
        description,
        format: grammar === undefined ? format : { type: "grammar", ...grammar },
      };
    }
    case "native":
      if (tool.format === responsesFormat) return tool.value;
      throw cannotExpress(tool.at, "its format has no such tool");
  }
}

function writeSearch({ contextSize, userLocation, allowedDomains }: WebSearch): JsonObject {
  return {
    type: "web_search",
    search_context_size: contextSize,
    user_location: userLocation,
    filters: allowedDomains === undefined ? undefined : { allowed_domains: allowedDomains },
  };
}

function writeChoice({ toolChoice, tools }: NeutralRequest): unknown {
  if (toolChoice === undefined) return undefined;
  if (toolChoice.kind !== "named") return toolChoice.kind;
  const { name } = toolChoice;
  const chosen = tools.find((tool) => "name" in tool && tool.name === name);
  if (chosen === undefined && name === searchName) return { type: "web_search" };
  return { type: chosen?.kind === "custom" ? "custom" : "function", name };
}

function writeText({ output, verbosity }: NeutralRequest): JsonObject | undefined {
  const format = writeOutput(output);
  if (format === undefined && verbosity === undefined) return undefined;
  return { format, verbosity };
}

function writeOutput(output: OutputShape | undefined): JsonObject | undefined {
  if (output === undefined) return undefined;
  if (output.kind === "json") return { type: "json_object" };
  const { schema, name, description, strict } = output;
  return { type: "json_schema", name: name ?? "answer", description, schema, strict: strict ?? false };
}

/** What switches thinking on and off in the vendor's chat format is an effort here. */
function writeReasoning({ reasoning }: NeutralRequest, flavour: OpenaiFlavour): JsonObject | undefined {
  if (reasoning.mode === "default" || !flavour.thinks) return undefined;
  const switched = reasoning.mode === "on" ? flavour.thinkingOn : flavour.thinkingOff;
  const usual = asString(parseJson(switched.reasoning_effort ?? "null"));
  const wanted = reasoning.mode === "on" ? effortOf(reasoning) : undefined;
  const effort = wanted === undefined ? usual : (flavour.effortValues[wanted] ?? wanted);
  return { effort, ...(reasoning.mode === "on" && reasoning.show !== false ? { summary: "auto" } : {}) };
}
