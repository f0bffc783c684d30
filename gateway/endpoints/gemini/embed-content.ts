import { estimateTextTokens } from "../../../shared/estimate/text.ts";
import { Module } from "../../../shared/gen/throughline/common/v1/common_pb.ts";
import { noUsage } from "../../../shared/money/usage.ts";
import { googleInBandError } from "../../answers/google-errors.ts";
import { reservedInputTokens } from "../../domain/worst-case.ts";
import { verbRoute } from "../../edge/vendor-paths.ts";
import type { Demand } from "../../story/demand.ts";
import type { Endpoint } from "../paid-endpoint.ts";
import { inOneSpelling, modelOf } from "./prepare.ts";
import { batchEmbedContentsBody, type EmbedContentBody, embedContentBody } from "./schemas.ts";

const common = {
  module: Module.EMBEDDINGS,
  dialect: "gemini.embeddings",
  respell: inOneSpelling,
  secretFirst: "x-goog-api-key",
  inBandError: googleInBandError,
  waitsForCost: true,
  // As of OpenAI's embeddings history has a document that says how many vectors there were.
  keepsAnswer: false,
} as const;

/** POST /v1beta/models/{model}:embedContent: the vector of one content. */
export const embedContent: Endpoint<typeof embedContentBody> = {
  ...common,
  paths: ["/v1beta/models/{model}:embedContent"],
  routes: [verbRoute("embedContent")],
  body: embedContentBody,
  read: (body, request) => demandOf([body], modelOf(request)),
};

/** POST /v1beta/models/{model}:batchEmbedContents: the vectors of several. */
export const batchEmbedContents: Endpoint<typeof batchEmbedContentsBody> = {
  ...common,
  paths: ["/v1beta/models/{model}:batchEmbedContents"],
  routes: [verbRoute("batchEmbedContents")],
  body: batchEmbedContentsBody,
  read: (body, request) => demandOf(body.requests, modelOf(request)),
};

function demandOf(requests: readonly EmbedContentBody[], model: string): Demand {
  let tokens = 0;
  for (const { content } of requests) for (const { text } of content.parts) tokens += estimateTextTokens(text);
  const reserved = { ...noUsage, inputTokens: BigInt(reservedInputTokens(tokens)) };
  const isCut = requests.some(({ outputDimensionality }) => typeof outputDimensionality === "number");
  return {
    model,
    answer: "bytes",
    includeUsage: false,
    needs: { inputTokens: tokens, maxOutputTokens: 0, capabilities: isCut ? ["dimensions"] : [] },
    headers: {},
    addressed: model,
    affinity: "",
    worst: () => reserved,
    // A model's window is for each input, and the upstream counts exactly.
    refuses: () => undefined,
  };
}
