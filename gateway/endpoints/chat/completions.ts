import type { FastifyInstance } from "fastify";
import { estimateRequest } from "../../../shared/estimate/input.ts";
import { Module } from "../../../shared/gen/throughline/common/v1/common_pb.ts";
import { type OpenStreams, openaiInBandError } from "../../answers/answers.ts";
import type { GatewayContext } from "../../context.ts";
import { askedCeiling } from "../../domain/worst-case.ts";
import { paidEndpoint } from "../paid.ts";
import { checkCompletions, completionChoices } from "./check-completions.ts";
import { completionsBody } from "./schemas/completions.ts";

/** POST /v1/completions: OpenAI's older completions of a prompt. */
export function completions(edge: FastifyInstance, context: GatewayContext, open: OpenStreams): void {
  paidEndpoint(edge, context, open, {
    path: "/v1/completions",
    scope: "chat",
    module: Module.CHAT,
    dialect: "openai.completions",
    body: completionsBody,
    inBandError: openaiInBandError,
    read(body) {
      checkCompletions(body);
      return {
        model: body.model,
        stream: body.stream === true,
        includeUsage: body.stream_options?.include_usage === true,
        estimate: estimateRequest(body),
        tools: false,
        structuredOutput: false,
        maxOutputTokens: askedCeiling(body.max_tokens),
        maxOutputField: "max_tokens",
        choices: completionChoices(body),
        headers: {},
        affinity: "",
      };
    },
  });
}
