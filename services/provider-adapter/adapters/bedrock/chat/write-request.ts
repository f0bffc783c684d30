import type { UpstreamMessage } from "../../../domain/exchange.ts";
import { isTierPriced } from "../../../domain/service-tier.ts";
import type { Note, WriteContext } from "../../../modules/chat/neutral/formats.ts";
import { cannotExpress } from "../../../modules/chat/neutral/refuse.ts";
import { type FieldName, insistsOnSearch, type NeutralRequest, pathOf } from "../../../modules/chat/neutral/request.ts";
import { awsFraming } from "../../../wire/frame-feed.ts";
import type { JsonObject } from "../../../wire/json.ts";
import { pathSegment } from "../../../wire/path-segment.ts";
import { heldSchema } from "../../anthropic/chat/write-tools.ts";
import type { BedrockFlavour } from "../flavour.ts";
import { type Family, familyOf } from "../models.ts";
import { cachePoint } from "./cache-point.ts";
import { thinkingOf, type WrittenThinking } from "./thinking.ts";
import { type Turn, writeMessages } from "./write-messages.ts";
import { writeToolConfig } from "./write-tools.ts";

/** Fields that the format does not have. */
const ignored: readonly FieldName[] = [
  "presencePenalty",
  "frequencyPenalty",
  "seed",
  "logitBias",
  "logprobs",
  "topLogprobs",
  "user",
  "metadata",
  "verbosity",
  "audioOut",
  "prediction",
  "cacheKey",
];

/** Names of the tiers of service; "auto" is the vendor's default. */
const serviceTiers: Readonly<Record<string, string>> = { default: "default", flex: "flex", priority: "priority" };

/** The path of something that a model does: a name is one segment, also that of an ARN. */
export function pathTo(model: string, verb: string): string {
  return `/model/${pathSegment(model)}/${verb}`;
}

/** Writes a request in Converse's format. `origin`: the format that signatures belong to. */
export function writeConverseRequest(
  request: NeutralRequest,
  { upstreamModel, stream, prices, note }: WriteContext,
  flavour: BedrockFlavour,
  origin: string,
): UpstreamMessage {
  const family = familyOf(flavour.like ?? upstreamModel);
  refuse(request, note);
  for (const field of ignored) {
    if (request[field as keyof NeutralRequest] !== undefined) drop(request, field, note);
  }
  if (request.google !== undefined) note("google dropped: it is for another vendor");
  const { system, turns } = writeMessages(request.messages, { family, origin }, note);
  if (request.cache !== undefined) cacheAll(request.cache, turns, family, note);
  const thinking = thinkingOf(request, family, turns, note);
  const topK = topKOf(request, family, thinking, note);
  const additional = { ...thinking.fields, ...topK };
  const body: JsonObject = {
    system: systemOf(system, request),
    messages: turns,
    inferenceConfig: written({
      maxTokens: boundOf(request, family, thinking, note),
      ...samplingOf(request, family, thinking, note),
      stopSequences: stopOf(request, note),
    }),
    toolConfig: writeToolConfig(request, turns, family, note),
    outputConfig: written({ textFormat: formatOf(request, family, note), effort: thinking.effort }),
    additionalModelRequestFields: written(additional),
    guardrailConfig:
      flavour.guardrail === undefined
        ? undefined
        : { guardrailIdentifier: flavour.guardrail.id, guardrailVersion: flavour.guardrail.version },
    serviceTier: tierOf(request, flavour, prices, note),
  };
  return {
    path: pathTo(upstreamModel, stream ? "converse-stream" : "converse"),
    ...(stream ? { accept: awsFraming.contentType } : {}),
    headers: {},
    body: Buffer.from(JSON.stringify(body)),
  };
}

/** The object, where anything is in it. */
function written(fields: JsonObject): JsonObject | undefined {
  return Object.values(fields).some((value) => value !== undefined) ? fields : undefined;
}

function drop(request: NeutralRequest, field: FieldName, note: Note): void {
  note(`${pathOf(request, field)} dropped: the upstream's format has no such field`);
}

function refuse(request: NeutralRequest, note: Note): void {
  if (request.choices !== 1) throw cannotExpress(pathOf(request, "choices"), "it gives one answer");
  if (request.modalities.some((modality) => modality !== "text")) {
    throw cannotExpress(pathOf(request, "modalities"), "it answers in text");
  }
  if (request.webSearch === undefined) return;
  if (insistsOnSearch(request)) throw cannotExpress(pathOf(request, "webSearch"), "it does not search the web");
  note(`${pathOf(request, "webSearch")} left out: the upstream does not search the web`);
}

/** Anthropic's mark for the whole request: all that there is so far is cached. */
function cacheAll(cache: JsonObject, turns: readonly Turn[], family: Family, note: Note): void {
  for (const block of cachePoint(cache, family, note)) turns.at(-1)?.content.push(block);
}

/** The format has no mode for JSON without a schema: it is asked for in words. */
const jsonOnly = "Answer with one JSON object and nothing else: no prose, no code fence.";

function systemOf(system: readonly JsonObject[], request: NeutralRequest): readonly JsonObject[] | undefined {
  const blocks = request.output?.kind === "json" ? [...system, { text: jsonOnly }] : system;
  return blocks.length === 0 ? undefined : blocks;
}

/** The client's bound; without one the vendor goes by the model's. */
function boundOf(
  request: NeutralRequest,
  { claude }: Family,
  { excludes }: WrittenThinking,
  note: Note,
): number | undefined {
  const { maxTokens } = request;
  if (maxTokens === undefined || maxTokens <= 0) return undefined;
  if (excludes === "sampling and bounds") {
    note(`${pathOf(request, "maxTokens")} dropped: this model takes no bound where it thinks hard`);
    return undefined;
  }
  return Math.min(maxTokens, claude?.maxOutputTokens ?? maxTokens);
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
  { claude }: Family,
  { excludes }: WrittenThinking,
  note: Note,
): JsonObject {
  const { temperature, topP } = request;
  const takes = claude?.sampling ?? true;
  if (!takes || excludes !== "nothing") {
    const why = takes ? "it cannot be set while the model thinks" : "this model does not take it";
    for (const field of ["temperature", "topP"] as const) {
      const value = request[field];
      // The default in other words.
      if (value !== undefined && value !== 1) note(`${pathOf(request, field)} dropped: ${why}`);
    }
    return {};
  }
  if (temperature !== undefined && temperature > 1) {
    note(`${pathOf(request, "temperature")} lowered to 1: the vendor takes no more`);
  }
  const both = temperature !== undefined && topP !== undefined && claude?.bothSamplings === false;
  if (both && topP !== 1) note(`${pathOf(request, "topP")} dropped: this model takes one of it and temperature`);
  return {
    temperature: temperature === undefined ? undefined : Math.min(1, temperature),
    topP: both ? undefined : topP,
  };
}

function topKOf(request: NeutralRequest, family: Family, { excludes }: WrittenThinking, note: Note): JsonObject {
  const { topK } = request;
  if (topK === undefined) return {};
  const takes = family.topK !== "" && (family.claude?.sampling ?? true) && excludes === "nothing";
  if (!takes) {
    note(`${pathOf(request, "topK")} dropped: this model does not take it here`);
    return {};
  }
  return family.topK === "top_k" ? { top_k: topK } : { inferenceConfig: { topK } };
}

function formatOf(request: NeutralRequest, { structuredOutput }: Family, note: Note): JsonObject | undefined {
  const { output } = request;
  if (output?.kind !== "schema") return undefined;
  const path = pathOf(request, "output");
  if (!structuredOutput) throw cannotExpress(path, "this model cannot be held to a schema");
  const { name, description } = output;
  const fits = name !== undefined && /^[a-zA-Z0-9_-]{1,64}$/.test(name);
  const schema = JSON.stringify(heldSchema(output.schema, path, note));
  const jsonSchema = { schema, ...(fits ? { name } : {}), ...(description ? { description } : {}) };
  return { type: "json_schema", structure: { jsonSchema } };
}

function tierOf(
  request: NeutralRequest,
  { premium }: BedrockFlavour,
  prices: WriteContext["prices"],
  note: Note,
): JsonObject | undefined {
  const { serviceTier } = request;
  if (serviceTier === undefined || serviceTier === "auto") return undefined;
  if (serviceTier === "priority" && !premium && !isTierPriced(prices, serviceTier)) {
    note("service_tier priority dropped: it costs more than the model's price");
    return undefined;
  }
  const type = Object.hasOwn(serviceTiers, serviceTier) ? serviceTiers[serviceTier] : undefined;
  if (type === undefined) drop(request, "serviceTier", note);
  return type === undefined || type === "default" ? undefined : { type };
}
