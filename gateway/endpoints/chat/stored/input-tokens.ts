import type { FastifyInstance } from "fastify";
import { estimateRequest } from "../../../../shared/estimate/input.ts";
import { Module } from "../../../../shared/gen/throughline/common/v1/common_pb.ts";
import { printable } from "../../../answers/head.ts";
import type { GatewayContext } from "../../../context.ts";
import { principalOf, publicKinds } from "../../../edge/admission.ts";
import { resolve } from "../../../story/resolve.ts";
import { ownerOf } from "../../history-query.ts";
import { chatDemand } from "../chat-demand.ts";
import { checkResponses } from "../check-responses.ts";
import { type ResponsesBody, responsesBody } from "../schemas/responses.ts";
import { expandBody } from "./expand.ts";

const dialect = "openai.responses";
/** It may ask an upstream with the platform's own credential. */
const freeRequests = 5;

/** POST /v1/responses/input_tokens: what a request would count upstream. It costs nothing and leaves no record. */
export function inputTokens(edge: FastifyInstance, context: GatewayContext): void {
  edge.post<{ Body: ResponsesBody }>(
    "/v1/responses/input_tokens",
    {
      schema: { body: responsesBody },
      bodyLimit: context.config.bodyLimitBytes,
      config: { admission: { kinds: publicKinds, scope: "chat", freeRequests, fresh: true } },
    },
    async (request, reply) => {
      const { incoming } = request;
      checkResponses(request.body);
      const principal = principalOf(request);
      const asking = { incoming, owner: ownerOf(principal, undefined) };
      const expanded = await expandBody(context, asking, request.body);
      const body = expanded?.body ?? request.body;
      const estimate = estimateRequest(body);
      const route = await resolve(context, {
        incoming,
        principal,
        module: Module.CHAT,
        demand: chatDemand({
          ...{ model: body.model, stream: false, includeUsage: false, headers: {}, affinity: "", estimate },
          ...{ tools: (body.tools?.length ?? 0) > 0, structuredOutput: false, choices: 1 },
          ...{ maxOutputTokens: 0, maxOutputField: "max_output_tokens", inputField: "input" },
        }),
      });
      const counted = await context.provider.countTokens(
        {
          dialect,
          candidates: route.candidates,
          body: expanded?.bytes ?? request.rawBody,
          headers: {},
          requestId: incoming.id,
          configVersion: route.configVersion,
          estimatedInputTokens: BigInt(estimate.tokens),
        },
        { requestId: incoming.id, traceparent: incoming.span.traceparent, timeoutMs: context.config.callTimeoutMs },
      );
      if (counted.upstreamRequestId !== "") {
        reply.header("x-upstream-request-id", printable(counted.upstreamRequestId));
      }
      return { object: "response.input_tokens", input_tokens: Number(counted.inputTokens) };
    },
  );
}
