import { estimateRequest } from "../../../shared/estimate/input.ts";
import { Module } from "../../../shared/gen/throughline/common/v1/common_pb.ts";
import { namedInBandError } from "../../answers/in-band-errors.ts";
import { dialectHeaders } from "../endpoint.ts";
import type { Endpoint } from "../paid-endpoint.ts";
import { askedCeiling, chatDemand } from "./chat-demand.ts";
import { checkMessages } from "./check-messages.ts";
import { messagesBody } from "./schemas/messages.ts";

/** Headers of the dialect that travel on. */
export const messagesHeaders = ["anthropic-version", "anthropic-beta"];

/** POST /v1/messages: Anthropic's messages, in both API versions that are live. */
export const messages: Endpoint<typeof messagesBody> = {
  paths: ["/v1/messages"],
  module: Module.CHAT,
  dialect: "anthropic.messages",
  body: messagesBody,
  // As the vendor does when a client sends both (wire/anthropic-messages.md, section 0).
  secretFirst: "x-api-key",
  inBandError: namedInBandError,
  keepsAnswer: true,
  read(body, request) {
    const headers = dialectHeaders(request, messagesHeaders);
    checkMessages(body, headers);
    // A client that marks what to cache wants its next turn on the channel that has it.
    const caches = request.rawBody.includes('"cache_control"');
    return chatDemand({
      model: body.model,
      stream: body.stream === true,
      includeUsage: true,
      estimate: estimateRequest(body),
      tools: (body.tools?.length ?? 0) > 0,
      structuredOutput: body.output_config?.format?.type === "json_schema",
      // 0 warms the cache only: a token is held, and returned with the settlement.
      maxOutputTokens: Math.max(1, askedCeiling(body.max_tokens)),
      maxOutputField: "max_tokens",
      inputField: "messages",
      choices: 1,
      headers,
      affinity: caches ? (body.metadata?.user_id ?? "") : "",
    });
  },
};
