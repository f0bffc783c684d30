import type { FastifyInstance } from "fastify";
import { estimateRequest } from "../../../shared/estimate/input.ts";
import { Module } from "../../../shared/gen/throughline/common/v1/common_pb.ts";
import { type OpenStreams, responsesInBandError } from "../../answers/answers.ts";
import type { GatewayContext } from "../../context.ts";
import { askedCeiling } from "../../domain/worst-case.ts";
import { paidEndpoint } from "../paid.ts";
import { checkResponses } from "./check-responses.ts";
import { responsesBody } from "./schemas/responses.ts";

/** POST /v1/responses: OpenAI's responses. */
export function responses(edge: FastifyInstance, context: GatewayContext, open: OpenStreams): void {
  paidEndpoint(edge, context, open, {
    path: "/v1/responses",
    scope: "chat",
    module: Module.CHAT,
    dialect: "openai.responses",
    body: responsesBody,
    inBandError: responsesInBandError,
    read(body) {
      checkResponses(body);
      return {
        model: body.model,
        stream: body.stream === true,
        includeUsage: true,
        estimate: estimateRequest(body),
        tools: (body.tools?.length ?? 0) > 0,
        structuredOutput: body.text?.format?.type === "json_schema",
        maxOutputTokens: askedCeiling(body.max_output_tokens),
        maxOutputField: "max_output_tokens",
        choices: 1,
        headers: {},
        affinity: body.prompt_cache_key ?? "",
      };
    },
  });
}
