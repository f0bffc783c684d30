import { estimateRequest } from "../../../shared/estimate/input.ts";
import { Module } from "../../../shared/gen/throughline/common/v1/common_pb.ts";
import { googleInBandCost } from "../../answers/costs.ts";
import { googleInBandError } from "../../answers/google-errors.ts";
import { verbRoute } from "../../edge/vendor-paths.ts";
import type { AnswerKind, Demand } from "../../story/demand.ts";
import { askedCeiling, chatDemand } from "../chat/chat-demand.ts";
import type { Endpoint, Sent } from "../paid-endpoint.ts";
import { inOneSpelling, modelOf } from "./prepare.ts";
import { type GenerateContentBody, generateContentBody } from "./schemas.ts";

/** Name of the dialect. */
export const geminiDialect = "gemini";

/** POST /v1beta/models/{model}:generateContent: Google's format, answered whole. */
export const generateContent: Endpoint<typeof generateContentBody> = {
  paths: ["/v1beta/models/{model}:generateContent"],
  routes: [verbRoute("generateContent")],
  module: Module.CHAT,
  dialect: geminiDialect,
  body: generateContentBody,
  respell: inOneSpelling,
  secretFirst: "x-goog-api-key",
  inBandError: googleInBandError,
  inBandCost: googleInBandCost,
  keepsAnswer: true,
  read: (body, request) => demandOf(body, request, "json"),
};

/** POST /v1beta/models/{model}:streamGenerateContent: as events with `alt=sse`, else as one list that grows. */
export const streamGenerateContent: Endpoint<typeof generateContentBody> = {
  ...generateContent,
  paths: ["/v1beta/models/{model}:streamGenerateContent"],
  routes: [verbRoute("streamGenerateContent")],
  read: (body, request) => demandOf(body, request, isSse(request) ? "events" : "list"),
};

function isSse({ query }: Sent): boolean {
  return typeof query === "object" && query !== null && Reflect.get(query, "alt") === "sse";
}

function demandOf(body: GenerateContentBody, request: Sent, answer: AnswerKind): Demand {
  const model = modelOf(request);
  return { ...generationDemand(body, model), answer, addressed: `${answer} ${model}` };
}

/** What a generation asks for. */
export function generationDemand(body: GenerateContentBody, model: string): Demand {
  const config = body.generationConfig ?? {};
  const modalities = config.responseModalities ?? [];
  return chatDemand({
    model,
    stream: false,
    includeUsage: true,
    estimate: estimateRequest(body),
    tools: (body.tools ?? []).some(hasFunctions),
    structuredOutput: Reflect.has(config, "responseSchema") || Reflect.has(config, "responseJsonSchema"),
    maxOutputTokens: askedCeiling(config.maxOutputTokens),
    maxOutputField: "generationConfig.maxOutputTokens",
    inputField: "contents",
    choices: config.candidateCount ?? 1,
    spoken: modalities.some((one) => one.toUpperCase() === "AUDIO"),
    headers: {},
    affinity: "",
  });
}

function hasFunctions(tool: object): boolean {
  return Reflect.has(tool, "functionDeclarations") || Reflect.has(tool, "function_declarations");
}
