import type { UpstreamMessage } from "../../../domain/exchange.ts";
import { endpointPath, type OpenaiFlavour } from "../../../domain/flavour.ts";
import { functionOf } from "../../../modules/chat/neutral/custom-tools.ts";
import type { Note, WriteContext } from "../../../modules/chat/neutral/formats.ts";
import { plainRoot, rootFolded } from "../../../modules/chat/neutral/plain-root.ts";
import { effortOf } from "../../../modules/chat/neutral/reasoning.ts";
import { cannotExpress } from "../../../modules/chat/neutral/refuse.ts";
import {
  insistsOnSearch,
  type NeutralRequest,
  pathOf,
  searchName,
  type Tool,
  type ToolChoice,
  type WebSearch,
} from "../../../modules/chat/neutral/request.ts";
import { thinkingPatch } from "../../../modules/chat/openai-chat/set-field.ts";
import { vendorPatch } from "../../../modules/chat/openai-chat/vendor-patch.ts";
import { asString, type JsonObject, parseJson } from "../../../wire/json.ts";
import { isStrictSchema } from "./strict-schema.ts";
import { writeMessages } from "./write-messages.ts";

/** Most stop sequences (OpenAI's API reference). */
const maxStop = 4;
/** Longest name of an end user. */
const maxUserLength = 64;

/** Writes a request in OpenAI's chat format, in a vendor's flavour. */
export function writeChatRequest(
  request: NeutralRequest,
  { upstreamModel, stream, prices, note }: WriteContext,
  flavour: OpenaiFlavour,
): UpstreamMessage {
  if (request.stop.length > maxStop) {
    throw cannotExpress(pathOf(request, "stop"), `it takes at most ${maxStop} stop sequences`);
  }
  if (request.topK !== undefined && !flavour.topK) {
    note(`${pathOf(request, "topK")} dropped: the vendor does not take it`);
  }
  if (request.cache !== undefined) note("cache_control dropped: this vendor caches by itself");
  if (request.google !== undefined) note("google dropped: it is for another vendor");
  const webSearch = searchOf(request, flavour, note);
  if (webSearch?.allowedDomains !== undefined || webSearch?.blockedDomains !== undefined) {
    throw cannotExpress(pathOf(request, "webSearch"), "its search takes no list of domains");
  }
  if (webSearch?.maxUses !== undefined) {
    note(`${pathOf(request, "webSearch")}: max_uses dropped: the upstream's search takes none`);
  }
  const tools = request.tools.map((tool) => writeTool(tool, flavour, note));
  const body: JsonObject = {
    model: upstreamModel,
    messages: writeMessages(request.messages, flavour, note),
    ...(stream ? { stream: true } : {}),
    ...(stream && flavour.streamOptions ? { stream_options: { include_usage: true } } : {}),
    [flavour.maxTokensField]: request.maxTokens,
    temperature: request.temperature,
    top_p: request.topP,
    top_k: flavour.topK ? request.topK : undefined,
    presence_penalty: request.presencePenalty,
    frequency_penalty: request.frequencyPenalty,
    seed: request.seed,
    stop: request.stop.length === 0 ? undefined : request.stop,
    n: request.choices === 1 ? undefined : request.choices,
    logit_bias: request.logitBias,
    logprobs: request.logprobs,
    top_logprobs: request.topLogprobs,
    tools: tools.length === 0 ? undefined : tools,
    tool_choice: tools.length === 0 ? undefined : writeChoice(request.toolChoice, request.tools, flavour),
    parallel_tool_calls: tools.length === 0 ? undefined : request.parallelToolCalls,
    response_format: writeOutput(request, note),
    web_search_options: flavour.searchOn === undefined ? writeSearch(webSearch) : undefined,
    user: request.user?.slice(0, maxUserLength),
    metadata: request.metadata,
    service_tier: request.serviceTier,
    verbosity: request.verbosity,
    modalities: request.modalities.length === 0 ? undefined : request.modalities,
    audio: request.audioOut,
    prediction: request.prediction,
    prompt_cache_key: request.cacheKey,
  };
  if (webSearch !== undefined && flavour.searchOn !== undefined) setFields(body, flavour.searchOn);
  setFields(body, reasoning(request, stream, flavour, note));
  const given = (field: string) => (body[field] === undefined ? undefined : JSON.stringify(body[field]));
  setFields(body, vendorPatch(flavour, { stream, prices }, given, note));
  return {
    path: endpointPath(flavour, upstreamModel, "chat/completions"),
    headers: {},
    body: Buffer.from(JSON.stringify(body)),
  };
}

/** The search of the web, where the model can search at all. */
function searchOf(request: NeutralRequest, flavour: OpenaiFlavour, note: WriteContext["note"]): WebSearch | undefined {
  const { webSearch } = request;
  if (webSearch === undefined || flavour.searches || flavour.searchOn !== undefined) return webSearch;
  const path = pathOf(request, "webSearch");
  if (insistsOnSearch(request)) throw cannotExpress(path, "it cannot search the web");
  note(`${path}: search of the web left out: this model cannot search`);
  return undefined;
}

function setFields(body: JsonObject, patch: Readonly<Record<string, string | undefined>>): void {
  for (const [field, text] of Object.entries(patch)) body[field] = text === undefined ? undefined : parseJson(text);
}

function reasoning(
  request: NeutralRequest,
  stream: boolean,
  flavour: OpenaiFlavour,
  note: WriteContext["note"],
): Readonly<Record<string, string | undefined>> {
  const { reasoning: wanted } = request;
  if (wanted.mode === "default") return {};
  const path = pathOf(request, "reasoning");
  if (!flavour.thinks) {
    if (wanted.mode === "on") note(`${path} dropped: this model does not think`);
    return {};
  }
  if (wanted.mode === "on" && flavour.thinkingNeedsStream && !stream) {
    note(`${path} dropped: this vendor thinks in streams only`);
    return thinkingPatch(flavour, { mode: "off" });
  }
  return thinkingPatch(flavour, {
    mode: wanted.mode,
    effort: effortOf(wanted),
    budgetTokens: wanted.effort === undefined ? wanted.budgetTokens : undefined,
  });
}

function writeTool(tool: Tool, flavour: OpenaiFlavour, note: Note): JsonObject {
  switch (tool.kind) {
    case "function": {
      const { name, description, parameters: given, strict, at } = tool;
      const parameters = given === undefined || !flavour.plainSchemas ? given : plainRoot(given);
      if (parameters !== given) note(rootFolded(at));
      const schema = parameters ?? { type: "object", properties: {} };
      const told = toldWithin(flavour.maxToolDescription, description, schema);
      if (told.description !== description)
        note(`${at}.description goes on in its parameters': the vendor takes no longer one`);
      const written = { name, ...told, strict: strictOf(strict, schema, at, note) };
      return { type: "function", function: written };
    }
    case "custom": {
      if (!flavour.customTools) return writeTool(functionOf(tool, note), flavour, note);
      const { name, description, format } = tool;
      return { type: "custom", custom: { name, description, format } };
    }
    case "native":
      if (tool.format === "openai.chat") return tool.value;
      throw cannotExpress(tool.at, "its format has no such tool");
  }
}

const goesOn = "... (goes on in the description of the parameters)";

/**
 * A tool's description as long as the vendor takes it: what is beyond stands in the description of its parameters, which has
 * no such bound. 0: there is none.
 */
function toldWithin(most: number, description: string | undefined, parameters: JsonObject) {
  if (most === 0 || description === undefined || description.length <= most) return { description, parameters };
  const cut = most - goesOn.length;
  const own = asString(parameters.description);
  const rest = `... ${description.slice(cut).toWellFormed()}${own === undefined ? "" : `\n\n${own}`}`;
  return {
    description: `${description.slice(0, cut).toWellFormed()}${goesOn}`,
    parameters: { ...parameters, description: rest },
  };
}

/** The search of the web is no tool of this format, so a choice of it leaves the choice among the others to the model. */
function writeChoice(choice: ToolChoice | undefined, tools: readonly Tool[], { customTools }: OpenaiFlavour): unknown {
  if (choice === undefined) return undefined;
  if (choice.kind !== "named") return choice.kind;
  const { name } = choice;
  const chosen = tools.find((tool) => tool.name === name);
  if (chosen === undefined && name === searchName) return undefined;
  return chosen?.kind === "custom" && customTools
    ? { type: "custom", custom: { name } }
    : { type: "function", function: { name } };
}

function writeOutput(request: NeutralRequest, note: Note): JsonObject | undefined {
  const { output } = request;
  if (output === undefined) return undefined;
  if (output.kind === "json") return { type: "json_object" };
  const { schema, name, description } = output;
  const strict = strictOf(output.strict, schema, pathOf(request, "output"), note);
  return { type: "json_schema", json_schema: { name: name ?? "answer", description, schema, strict } };
}

/** What other vendors call strict need not be a schema that this format holds a model to: it is refused as strict then. */
function strictOf(strict: boolean | undefined, schema: JsonObject, at: string, note: Note): boolean | undefined {
  if (strict !== true || isStrictSchema(schema)) return strict;
  note(
    `${at}: strict left out: the schema has optional properties, or words that the format refuses in strict schemas`,
  );
  return false;
}

function writeSearch(search: WebSearch | undefined): JsonObject | undefined {
  if (search === undefined) return undefined;
  const { type: _type, ...approximate } = search.userLocation ?? {};
  return {
    search_context_size: search.contextSize,
    ...(search.userLocation === undefined ? {} : { user_location: { type: "approximate", approximate } }),
  };
}
