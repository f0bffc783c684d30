import type { FastifyInstance } from "fastify";
import { ThroughlineError } from "../../../shared/errors/error.ts";
import { estimateRequest } from "../../../shared/estimate/input.ts";
import { Module } from "../../../shared/gen/throughline/common/v1/common_pb.ts";
import { printable } from "../../answers/head.ts";
import type { GatewayContext } from "../../context.ts";
import { principalOf, publicKinds } from "../../edge/admission.ts";
import { verbRoute } from "../../edge/vendor-paths.ts";
import { resolve } from "../../story/resolve.ts";
import { geminiDialect, generationDemand } from "./generate-content.ts";
import { inOneSpelling, modelOf } from "./prepare.ts";
import { type CountTokensBody, countTokensBody, type GenerateContentBody } from "./schemas.ts";

/** It asks an upstream with the platform's own credential. */
const freeRequests = 5;

/** POST /v1beta/models/{model}:countTokens: what a request would count upstream. It costs nothing and leaves no record. */
export function countGeminiTokens(edge: FastifyInstance, context: GatewayContext): void {
  edge.post<{ Body: CountTokensBody }>(
    verbRoute("countTokens"),
    {
      schema: { body: countTokensBody },
      bodyLimit: context.config.bodyLimitBytes,
      config: {
        admission: { kinds: publicKinds, scope: "chat", freeRequests, fresh: true, secretFirst: "x-goog-api-key" },
      },
      preValidation(request, _reply, done) {
        const { body } = request;
        try {
          if (typeof body === "object" && body !== null) inOneSpelling(body as unknown as Record<string, unknown>);
          done();
        } catch (error) {
          done(error as Error);
        }
      },
    },
    async (request, reply) => {
      const { incoming } = request;
      const asked = generationOf(request.body);
      const route = await resolve(context, {
        incoming,
        principal: principalOf(request),
        module: Module.CHAT,
        demand: generationDemand(asked, modelOf(request)),
      });
      const counted = await context.provider.countTokens(
        {
          dialect: geminiDialect,
          candidates: route.candidates,
          body: Buffer.from(JSON.stringify(asked)),
          headers: {},
          requestId: incoming.id,
          configVersion: route.configVersion,
          estimatedInputTokens: BigInt(estimateRequest(asked).tokens),
        },
        { requestId: incoming.id, traceparent: incoming.span.traceparent, timeoutMs: context.config.callTimeoutMs },
      );
      if (counted.upstreamRequestId !== "") {
        reply.header("x-upstream-request-id", printable(counted.upstreamRequestId));
      }
      return { totalTokens: Number(counted.inputTokens) };
    },
  );
}

/** The request that is counted: the turns alone, or a whole request that stands in the body. */
function generationOf({ generateContentRequest, contents, ...others }: CountTokensBody): GenerateContentBody {
  if (generateContentRequest !== undefined && generateContentRequest !== null) return generateContentRequest;
  if (contents === undefined || contents === null) {
    throw new ThroughlineError("missing_required_field", "contents is required.", { param: "contents" });
  }
  return { ...others, contents };
}
