import type { FastifyInstance } from "fastify";
import { estimateRequest } from "../../../shared/estimate/input.ts";
import type { GatewayContext } from "../../context.ts";
import { publicKinds } from "../../edge/admission.ts";
import { dialectHeaders } from "../endpoint.ts";
import { chatDemand } from "./chat-demand.ts";
import { checkMessages } from "./check-messages.ts";
import { countInput, freeCounts } from "./count-input.ts";
import { messagesHeaders } from "./messages.ts";
import { type CountTokensBody, countTokensBody } from "./schemas/messages.ts";

const dialect = "anthropic.messages";

/** POST /v1/messages/count_tokens: what a request would count upstream. It costs nothing and leaves no record. */
export function countTokens(edge: FastifyInstance, context: GatewayContext): void {
  edge.post<{ Body: CountTokensBody }>(
    "/v1/messages/count_tokens",
    {
      schema: { body: countTokensBody },
      bodyLimit: context.config.bodyLimitBytes,
      config: {
        admission: {
          kinds: publicKinds,
          scope: "chat",
          freeRequests: freeCounts,
          fresh: true,
          secretFirst: "x-api-key",
        },
      },
    },
    async (request, reply) => {
      const { body } = request;
      const headers = dialectHeaders(request, messagesHeaders);
      checkMessages(body, headers);
      const demand = chatDemand({
        ...{
          model: body.model,
          stream: false,
          includeUsage: false,
          headers,
          affinity: "",
          estimate: estimateRequest(body),
        },
        ...{ tools: (body.tools?.length ?? 0) > 0, structuredOutput: false, choices: 1 },
        ...{ maxOutputTokens: 0, maxOutputField: "max_tokens", inputField: "messages" },
      });
      return { input_tokens: await countInput(context, request, reply, { dialect, demand, body: request.rawBody }) };
    },
  );
}
