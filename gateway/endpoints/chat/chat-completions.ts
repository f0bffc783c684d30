import { estimateRequest } from "../../../shared/estimate/input.ts";
import { Module } from "../../../shared/gen/throughline/common/v1/common_pb.ts";
import { chunkInBandCost } from "../../answers/costs.ts";
import { openaiInBandError } from "../../answers/in-band-errors.ts";
import type { Endpoint } from "../paid-endpoint.ts";
import { askedCeiling, chatDemand } from "./chat-demand.ts";
import { checkChat } from "./check-chat.ts";
import { chatBody } from "./schemas/chat.ts";

/** POST /v1/chat/completions: OpenAI's chat completions. */
export const chatCompletions: Endpoint<typeof chatBody> = {
  paths: ["/v1/chat/completions"],
  module: Module.CHAT,
  dialect: "openai.chat",
  body: chatBody,
  inBandError: openaiInBandError,
  inBandCost: chunkInBandCost,
  keepsAnswer: true,
  read(body) {
    checkChat(body);
    return chatDemand({
      model: body.model,
      stream: body.stream === true,
      includeUsage: body.stream_options?.include_usage === true,
      estimate: estimateRequest(body),
      tools: (body.tools?.length ?? body.functions?.length ?? 0) > 0,
      structuredOutput: body.response_format?.type === "json_schema",
      maxOutputTokens: askedCeiling(body.max_completion_tokens, body.max_tokens),
      maxOutputField:
        (body.max_tokens ?? 0) > (body.max_completion_tokens ?? 0) ? "max_tokens" : "max_completion_tokens",
      inputField: "messages",
      choices: body.n ?? 1,
      spoken: isSpoken(Reflect.get(body, "modalities")),
      headers: {},
      affinity: body.prompt_cache_key ?? "",
    });
  },
};

/** Whether the answer is to be spoken. What else stands there the upstream judges. */
function isSpoken(modalities: unknown): boolean {
  return Array.isArray(modalities) && modalities.includes("audio");
}
