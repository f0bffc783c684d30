import type { Prices } from "../../../../../shared/money/prices.ts";
import type { UpstreamMessage } from "../../../domain/exchange.ts";
import { nameOf } from "../../../domain/notes.ts";
import { isTierPriced } from "../../../domain/service-tier.ts";
import type { Note, WriteContext } from "../../../modules/chat/neutral/formats.ts";
import { cannotExpress } from "../../../modules/chat/neutral/refuse.ts";
import { type FieldName, type NeutralRequest, pathOf } from "../../../modules/chat/neutral/request.ts";
import { describedSchema } from "../../../modules/chat/neutral/schema-words.ts";
import { asObject, type JsonObject } from "../../../wire/json.ts";
import { pathSegment } from "../../../wire/path-segment.ts";
import type { GeminiFlavour } from "../flavour.ts";
import { type Generation, generationOf } from "../models.ts";
import { writeThinking } from "../thinking.ts";
import { openApiSchema } from "./schema.ts";
import { writeContents } from "./write-contents.ts";
import { writeTools } from "./write-tools.ts";

/** Most stop sequences. */
const maxStop = 5;

/** Fields that the vendor's own compatibility layer ignores. */
const ignored: readonly FieldName[] = [
  "logitBias",
  "user",
  "metadata",
  "verbosity",
  "audioOut",
  "prediction",
  "cacheKey",
  "cache",
];

/** Names of the tiers of service; "auto" is the vendor's default. */
const serviceTiers: Readonly<Record<string, string>> = { default: "standard", flex: "flex", priority: "priority" };

/** Writes a request in Gemini's format. */
export function writeGeminiRequest(
  request: NeutralRequest,
  { upstreamModel, stream, prices, note }: WriteContext,
  flavour: GeminiFlavour,
): UpstreamMessage {
  const generation = generationOf(flavour.like ?? upstreamModel);
  refuse(request);
  for (const field of ignored) {
    if (request[field as keyof NeutralRequest] !== undefined) drop(request, field, note);
  }
  const rules = { callIds: flavour.callIds, signedCalls: generation.signedCalls };
  const { system, turns } = writeContents(request.messages, rules, note);
  const { tools, toolConfig } = writeTools(request, generation, note);
  const google = writeGoogle(request.google, note);
  const body: JsonObject = {
    systemInstruction: system.length === 0 ? undefined : { parts: system },
    contents: turns,
    tools,
    toolConfig,
    generationConfig: { ...writeGenerationConfig(request, generation, note), ...google.generationConfig },
    safetySettings: flavour.safetySettings.length === 0 ? undefined : flavour.safetySettings,
    serviceTier: tierOf(request, flavour, prices, note),
    ...google.top,
  };
  return {
    path: pathTo(flavour, upstreamModel, stream ? "streamGenerateContent?alt=sse" : "generateContent"),
    headers: {},
    body: Buffer.from(JSON.stringify(body)),
  };
}

/** The path of something that a model does. */
export function pathTo({ path }: GeminiFlavour, model: string, verb: string): string {
  return `${path.replaceAll("{model}", pathSegment(model))}:${verb}`;
}

function drop(request: NeutralRequest, field: FieldName, note: Note): void {
  note(`${pathOf(request, field)} dropped: the upstream's format has no such field`);
}

function refuse(request: NeutralRequest): void {
  if (request.stop.length > maxStop) {
    throw cannotExpress(pathOf(request, "stop"), `it takes at most ${maxStop} stop sequences`);
  }
  if (request.modalities.includes("audio")) {
    throw cannotExpress(pathOf(request, "modalities"), "its spoken answers are not passed on");
  }
}

function writeGenerationConfig(request: NeutralRequest, generation: Generation, note: Note): JsonObject {
  const { output, modalities } = request;
  return {
    maxOutputTokens: request.maxTokens,
    temperature: request.temperature,
    topP: request.topP,
    topK: request.topK,
    presencePenalty: request.presencePenalty,
    frequencyPenalty: request.frequencyPenalty,
    seed: request.seed,
    stopSequences: request.stop.length === 0 ? undefined : request.stop,
    candidateCount: request.choices === 1 ? undefined : request.choices,
    responseLogprobs: request.logprobs === true ? true : undefined,
    logprobs: request.logprobs === true ? request.topLogprobs : undefined,
    responseModalities: modalities.length === 0 ? undefined : modalities.map((name) => name.toUpperCase()),
    thinkingConfig: writeThinking(
      request.reasoning,
      generation.thinking,
      request.maxTokens ?? 0,
      pathOf(request, "reasoning"),
      note,
    ),
    ...(output === undefined ? {} : { responseMimeType: "application/json" }),
    ...(output?.kind !== "schema"
      ? {}
      : generation.jsonSchema
        ? { responseJsonSchema: describedSchema(output) }
        : { responseSchema: openApiSchema(describedSchema(output), pathOf(request, "output")) }),
  };
}

/** Fields of `google` that are read elsewhere. */
const readElsewhere: ReadonlySet<string> = new Set(["thinking_config", "response_modalities"]);
/** Where the other fields of `google` stand. */
const googleFields: Readonly<Record<string, "top" | "generationConfig">> = {
  cached_content: "top",
  safety_settings: "top",
  image_config: "generationConfig",
  media_resolution: "generationConfig",
  speech_config: "generationConfig",
};

/** What a client says for this vendor alone, in snake case (`extra_body.google`), in the vendor's own words. */
function writeGoogle(google: JsonObject | undefined, note: Note): { top: JsonObject; generationConfig: JsonObject } {
  const written = { top: {} as JsonObject, generationConfig: {} as JsonObject };
  for (const [name, value] of Object.entries(google ?? {})) {
    if (readElsewhere.has(name)) continue;
    const place = googleFields[name];
    if (place === undefined) note(`google.${nameOf(name)} dropped: it is not known`);
    else written[place][camel(name)] = camelKeys(value);
  }
  return written;
}

function camel(name: string): string {
  return name.replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
}

function camelKeys(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(camelKeys);
  const object = asObject(value);
  if (object === undefined) return value;
  return Object.fromEntries(Object.entries(object).map(([name, inner]) => [camel(name), camelKeys(inner)]));
}

function tierOf(
  request: NeutralRequest,
  { premium }: GeminiFlavour,
  prices: Prices | undefined,
  note: Note,
): string | undefined {
  const { serviceTier } = request;
  if (serviceTier === undefined || serviceTier === "auto") return undefined;
  if (serviceTier === "priority" && !premium && !isTierPriced(prices, serviceTier)) {
    note("service_tier priority dropped: it costs more than the model's price");
    return undefined;
  }
  const tier = serviceTiers[serviceTier];
  if (tier === undefined) drop(request, "serviceTier", note);
  return tier;
}
