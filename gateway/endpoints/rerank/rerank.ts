import { Module } from "../../../shared/gen/throughline/common/v1/common_pb.ts";
import { openaiInBandError } from "../../answers/in-band-errors.ts";
import type { Endpoint } from "../paid-endpoint.ts";
import { rerankBody } from "./rerank-body.ts";
import { rerankDemand } from "./rerank-demand.ts";

const common = {
  module: Module.RERANK,
  body: rerankBody,
  inBandError: openaiInBandError,
  keepsAnswer: true,
  read: rerankDemand,
} as const satisfies Partial<Endpoint<typeof rerankBody>>;

/** POST /v2/rerank: Cohere's second version. */
export const rerank: Endpoint<typeof rerankBody> = { ...common, paths: ["/v2/rerank"], dialect: "cohere.rerank" };

/** POST /v1/rerank and /rerank: Jina's, and Cohere's first version, which the same answer serves. */
export const rerankV1: Endpoint<typeof rerankBody> = {
  ...common,
  paths: ["/v1/rerank", "/rerank"],
  dialect: "jina.rerank",
};
