import type { FastifyInstance } from "fastify";
import { estimateRequest } from "../../../shared/estimate/input.ts";
import { Module } from "../../../shared/gen/throughline/common/v1/common_pb.ts";
import { printable } from "../../answers/head.ts";
import type { GatewayContext } from "../../context.ts";
import { principalOf, publicKinds } from "../../edge/admission.ts";
import { resolve } from "../../story/resolve.ts";
import { dialectHeaders } from "../endpoint.ts";
import { chatDemand } from "./chat-demand.ts";
import { checkMessages } from "./check-messages.ts";
import { messagesHeaders } from "./messages.ts";
import { type CountTokensBody, countTokensBody } from "./schemas/messages.ts";

const dialect = "anthropic.messages";
/** It asks an upstream with the platform's own credential. */
const freeRequests = 5;

/** POST /v1/messages/count_tokens: what a request would count upstream. It costs nothing and leaves no record. */
export function countTokens(edge: FastifyInstance, context: GatewayContext): void {
  edge.post<{ Body: CountTokensBody }>(
    "/v1/messages/count_tokens",
    {
      schema: { body: countTokensBody },
      bodyLimit: context.config.bodyLimitBytes,
      config: { admission: { kinds: publicKinds, scope: "chat", freeRequests, fresh: true, secretFirst: "x-api-key" } },
    },
    async (request, reply) => {
      const { body, incoming } = request;
      const headers = dialectHeaders(request, messagesHeaders);
      checkMessages(body, headers);
      const estimate = estimateRequest(body);
      const route = await resolve(context, {
        incoming,
        principal: principalOf(request),
        module: Module.CHAT,
        demand: chatDemand({
          ...{ model: body.model, stream: false, includeUsage: false, headers, affinity: "", estimate },
          ...{ tools: (body.tools?.length ?? 0) > 0, structuredOutput: false, choices: 1 },
          ...{ maxOutputTokens: 0, maxOutputField: "max_tokens", inputField: "messages" },
        }),
      });
      const counted = await context.provider.countTokens(
        {
          dialect,
          candidates: route.candidates,
          body: request.rawBody,
          headers,
          requestId: incoming.id,
          configVersion: route.configVersion,
          estimatedInputTokens: BigInt(estimate.tokens),
        },
        { requestId: incoming.id, traceparent: incoming.span.traceparent, timeoutMs: context.config.callTimeoutMs },
      );
      if (counted.upstreamRequestId !== "") {
        reply.header("x-upstream-request-id", printable(counted.upstreamRequestId));
      }
      return { input_tokens: Number(counted.inputTokens) };
    },
  );
}
