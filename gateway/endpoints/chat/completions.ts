import { estimateRequest } from "../../../shared/estimate/input.ts";
import { Module } from "../../../shared/gen/throughline/common/v1/common_pb.ts";
import { chunkInBandCost } from "../../answers/costs.ts";
import { openaiInBandError } from "../../answers/in-band-errors.ts";
import type { Endpoint } from "../paid-endpoint.ts";
import { askedCeiling, chatDemand } from "./chat-demand.ts";
import { checkCompletions, completionChoices } from "./check-completions.ts";
import { completionsBody } from "./schemas/completions.ts";

/** POST /v1/completions: OpenAI's older completions of a prompt. */
export const completions: Endpoint<typeof completionsBody> = {
  paths: ["/v1/completions"],
  module: Module.CHAT,
  dialect: "openai.completions",
  body: completionsBody,
  inBandError: openaiInBandError,
  inBandCost: chunkInBandCost,
  keepsAnswer: true,
  read(body) {
    checkCompletions(body);
    return chatDemand({
      model: body.model,
      stream: body.stream === true,
      includeUsage: body.stream_options?.include_usage === true,
      estimate: estimateRequest(body),
      tools: false,
      structuredOutput: false,
      maxOutputTokens: askedCeiling(body.max_tokens),
      maxOutputField: "max_tokens",
      inputField: "prompt",
      choices: completionChoices(body),
      headers: {},
      affinity: "",
    });
  },
};
