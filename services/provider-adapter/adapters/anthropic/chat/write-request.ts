import type { UpstreamMessage } from "../../../domain/exchange.ts";
import type { Note, WriteContext } from "../../../modules/chat/neutral/formats.ts";
import { cannotExpress } from "../../../modules/chat/neutral/refuse.ts";
import { type FieldName, type NeutralRequest, pathOf } from "../../../modules/chat/neutral/request.ts";
import { describedSchema } from "../../../modules/chat/neutral/schema-words.ts";
import type { JsonObject } from "../../../wire/json.ts";
import type { MessagesFlavour } from "../flavour.ts";
import { type Generation, generationOf } from "../models.ts";
import { type WrittenThinking, writeThinking } from "../reasoning.ts";
import { type Turn, writeMessages } from "./write-messages.ts";
import { heldSchema, writeToolChoice, writeTools } from "./write-tools.ts";

/** Bound on output tokens of a request that names none. */
const usualMaxTokens = 32_000;

/** Fields that the vendor's own compatibility layer ignores. */
const ignored: readonly FieldName[] = [
  "presencePenalty",
  "frequencyPenalty",
  "seed",
  "logitBias",
  "logprobs",
  "topLogprobs",
  "metadata",
  "verbosity",
  "audioOut",
  "prediction",
  "cacheKey",
];

const serviceTiers: Readonly<Record<string, string>> = { auto: "auto", default: "standard_only" };

/** Writes a request in Anthropic's format. */
export function writeMessagesRequest(
  request: NeutralRequest,
  { upstreamModel, stream, note }: WriteContext,
  flavour: MessagesFlavour,
): UpstreamMessage {
  const generation = generationOf(flavour.like ?? upstreamModel);
  refuse(request);
  for (const field of ignored) {
    if (request[field as keyof NeutralRequest] !== undefined) drop(request, field, note);
  }
  if (request.google !== undefined) note("google dropped: it is for another vendor");
  const { system, turns } = writeMessages(request.messages, note);
  const maxTokens = boundOf(request, generation, flavour);
  const thinking = thinkingOf(request, generation, maxTokens, turns, note);
  const tools = writeTools(request, generation, note);
  const format = formatOf(request, generation, note);
  const outputConfig = {
    ...(thinking.effort === undefined ? {} : { effort: thinking.effort }),
    ...(format === undefined ? {} : { format }),
  };
  const body: JsonObject = {
    model: upstreamModel,
    max_tokens: maxTokens,
    system: systemOf(system, request),
    messages: turns.map(({ role, content }) => ({ role, content: plain(content) })),
    ...(stream ? { stream: true } : {}),
    stop_sequences: stopOf(request, note),
    ...samplingOf(request, generation, thinking, note),
    tools: tools.length === 0 ? undefined : tools,
    tool_choice: writeToolChoice(request, tools.length > 0),
    thinking: thinking.thinking,
    output_config: Object.keys(outputConfig).length === 0 ? undefined : outputConfig,
    metadata: request.user === undefined ? undefined : { user_id: request.user },
    service_tier: tierOf(request, note),
    cache_control: request.cache,
  };
  return {
    path: flavour.path,
    headers: { "anthropic-version": flavour.version },
    body: Buffer.from(JSON.stringify(body)),
  };
}

function drop(request: NeutralRequest, field: FieldName, note: Note): void {
  note(`${pathOf(request, field)} dropped: the upstream's format has no such field`);
}

function refuse(request: NeutralRequest): void {
  if (request.choices !== 1) throw cannotExpress(pathOf(request, "choices"), "it gives one answer");
  if (request.modalities.some((modality) => modality !== "text")) {
    throw cannotExpress(pathOf(request, "modalities"), "it answers in text");
  }
}

/** The client's bound, else what the model gives; the vendor does not do without. */
function boundOf(request: NeutralRequest, generation: Generation, flavour: MessagesFlavour): number {
  const { maxTokens } = request;
  if (maxTokens !== undefined && maxTokens > 0) return Math.min(maxTokens, generation.maxOutputTokens);
  return flavour.defaultMaxTokens ?? Math.min(usualMaxTokens, generation.maxOutputTokens);
}

/** Thinking, where nothing that the client wants more excludes it. */
function thinkingOf(
  request: NeutralRequest,
  generation: Generation,
  maxTokens: number,
  turns: readonly Turn[],
  note: Note,
): WrittenThinking {
  const path = pathOf(request, "reasoning");
  const written = writeThinking(request.reasoning, generation, maxTokens, path, note);
  if (!written.on || written.thinking === undefined) return written;
  const why = hindrance(request, written, turns);
  if (why === undefined) return written;
  note(`${path} dropped: ${why}`);
  return generation.thinksByDefault ? { thinking: { type: "disabled" }, on: false } : { on: false };
}

function hindrance(request: NeutralRequest, { thinking }: WrittenThinking, turns: readonly Turn[]): string | undefined {
  const choice = request.toolChoice?.kind;
  if (choice === "required" || choice === "named") return "the model cannot think where a call is required";
  if (turns.at(-1)?.role === "assistant") return "the model cannot think in an answer that is begun for it";
  // With a budget, the turn that called tools must come back with its signed thinking before it goes on.
  const last = turns.findLast(({ role }) => role === "assistant");
  const goesOn = turns.at(-1)?.content.some(({ type }) => type === "tool_result") === true;
  const called = last?.content.some(({ type }) => type === "tool_use") === true;
  const first = last?.content[0]?.type;
  if (thinking?.type === "enabled" && goesOn && called && first !== "thinking" && first !== "redacted_thinking") {
    return "the signed thinking of the turn that called tools was not sent back";
  }
  return undefined;
}

function formatOf(request: NeutralRequest, generation: Generation, note: Note): JsonObject | undefined {
  if (request.output?.kind !== "schema") return undefined;
  if (!generation.structuredOutput) {
    throw cannotExpress(pathOf(request, "output"), "this model cannot be held to a schema");
  }
  return { type: "json_schema", schema: heldSchema(describedSchema(request.output), pathOf(request, "output"), note) };
}

/** The format has no mode for JSON without a schema: it is asked for in words. */
const jsonOnly = "Answer with one JSON object and nothing else: no prose, no code fence.";

function systemOf(system: readonly JsonObject[], request: NeutralRequest): unknown {
  const blocks = request.output?.kind === "json" ? [...system, { type: "text", text: jsonOnly }] : system;
  return blocks.length === 0 ? undefined : plain(blocks);
}

/** One text without marks is written as a string. */
function plain(content: readonly JsonObject[]): unknown {
  const [first] = content;
  const lone = content.length === 1 && first?.type === "text" && first.cache_control === undefined;
  return lone ? first.text : content;
}

function stopOf(request: NeutralRequest, note: Note): readonly string[] | undefined {
  const visible = request.stop.filter((sequence) => sequence.trim() !== "");
  if (visible.length < request.stop.length) {
    note(`${pathOf(request, "stop")}: sequences of white space dropped: this vendor refuses them`);
  }
  return visible.length === 0 ? undefined : visible;
}

function samplingOf(
  request: NeutralRequest,
  generation: Generation,
  { on, thinking }: WrittenThinking,
  note: Note,
): JsonObject {
  const { temperature, topP, topK } = request;
  const dropped = (field: "temperature" | "topP" | "topK", why: string) =>
    note(`${pathOf(request, field)} dropped: ${why}`);
  if (!generation.sampling || (on && thinking !== undefined)) {
    const why = generation.sampling ? "it cannot be set while the model thinks" : "this model does not take it";
    for (const field of ["temperature", "topP", "topK"] as const) {
      const value = request[field];
      // The default in other words.
      if (value !== undefined && !(field !== "topK" && value === 1)) dropped(field, why);
    }
    return {};
  }
  if (temperature !== undefined && temperature > 1) {
    note(`${pathOf(request, "temperature")} lowered to 1: the vendor takes no more`);
  }
  const both = temperature !== undefined && topP !== undefined && !generation.bothSamplings;
  if (both && topP !== 1) dropped("topP", "this model takes one of it and temperature");
  return {
    temperature: temperature === undefined ? undefined : Math.min(1, temperature),
    top_p: both ? undefined : topP,
    top_k: topK,
  };
}

function tierOf(request: NeutralRequest, note: Note): string | undefined {
  const { serviceTier } = request;
  if (serviceTier === undefined) return undefined;
  const tier = serviceTiers[serviceTier];
  if (tier === undefined) drop(request, "serviceTier", note);
  return tier;
}
