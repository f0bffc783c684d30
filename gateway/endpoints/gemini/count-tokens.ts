import type { FastifyInstance } from "fastify";
import { ThroughlineError } from "../../../shared/errors/error.ts";
import type { GatewayContext } from "../../context.ts";
import { publicKinds } from "../../edge/admission.ts";
import { verbRoute } from "../../edge/vendor-paths.ts";
import { countInput, freeCounts } from "../chat/count-input.ts";
import { geminiDialect, generationDemand } from "./generate-content.ts";
import { inOneSpelling, modelOf } from "./prepare.ts";
import { type CountTokensBody, countTokensBody, type GenerateContentBody } from "./schemas.ts";

/** POST /v1beta/models/{model}:countTokens: what a request would count upstream. It costs nothing and leaves no record. */
export function countGeminiTokens(edge: FastifyInstance, context: GatewayContext): void {
  edge.post<{ Body: CountTokensBody }>(
    verbRoute("countTokens"),
    {
      schema: { body: countTokensBody },
      bodyLimit: context.config.bodyLimitBytes,
      config: {
        admission: {
          kinds: publicKinds,
          scope: "chat",
          freeRequests: freeCounts,
          fresh: true,
          secretFirst: "x-goog-api-key",
        },
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
      const asked = generationOf(request.body);
      const demand = generationDemand(asked, modelOf(request));
      const counting = { dialect: geminiDialect, demand, body: Buffer.from(JSON.stringify(asked)) };
      return { totalTokens: await countInput(context, request, reply, counting) };
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
