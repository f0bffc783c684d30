import { estimateRequest } from "../../../shared/estimate/input.ts";
import { Module } from "../../../shared/gen/throughline/common/v1/common_pb.ts";
import { responsesInBandError } from "../../answers/in-band-errors.ts";
import type { Endpoint } from "../endpoint.ts";
import { askedCeiling, chatDemand } from "./chat-demand.ts";
import { checkResponses } from "./check-responses.ts";
import { responsesBody } from "./schemas/responses.ts";

/** POST /v1/responses: OpenAI's responses. */
export const responses: Endpoint<typeof responsesBody> = {
  paths: ["/v1/responses"],
  module: Module.CHAT,
  dialect: "openai.responses",
  body: responsesBody,
  inBandError: responsesInBandError,
  keepsAnswer: true,
  read(body) {
    checkResponses(body);
    return chatDemand({
      model: body.model,
      stream: body.stream === true,
      includeUsage: true,
      estimate: estimateRequest(body),
      tools: (body.tools?.length ?? 0) > 0,
      structuredOutput: body.text?.format?.type === "json_schema",
      maxOutputTokens: askedCeiling(body.max_output_tokens),
      maxOutputField: "max_output_tokens",
      inputField: "input",
      choices: 1,
      headers: {},
      affinity: body.prompt_cache_key ?? "",
    });
  },
};
