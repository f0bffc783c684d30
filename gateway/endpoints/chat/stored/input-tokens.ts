import type { FastifyInstance } from "fastify";
import { estimateRequest } from "../../../../shared/estimate/input.ts";
import type { GatewayContext } from "../../../context.ts";
import { principalOf, publicKinds } from "../../../edge/admission.ts";
import { ownerOf } from "../../history-query.ts";
import { chatDemand } from "../chat-demand.ts";
import { checkResponses } from "../check-responses.ts";
import { countInput, freeCounts } from "../count-input.ts";
import { type ResponsesBody, responsesBody } from "../schemas/responses.ts";
import { expandBody } from "./expand.ts";

const dialect = "openai.responses";

/** POST /v1/responses/input_tokens: what a request would count upstream. It costs nothing and leaves no record. */
export function inputTokens(edge: FastifyInstance, context: GatewayContext): void {
  edge.post<{ Body: ResponsesBody }>(
    "/v1/responses/input_tokens",
    {
      schema: { body: responsesBody },
      bodyLimit: context.config.bodyLimitBytes,
      config: { admission: { kinds: publicKinds, scope: "chat", freeRequests: freeCounts, fresh: true } },
    },
    async (request, reply) => {
      const { incoming } = request;
      checkResponses(request.body);
      const asking = { incoming, owner: ownerOf(principalOf(request), undefined) };
      const expanded = await expandBody(context, asking, request.body);
      const body = expanded?.body ?? request.body;
      const demand = chatDemand({
        ...{
          model: body.model,
          stream: false,
          includeUsage: false,
          headers: {},
          affinity: "",
          estimate: estimateRequest(body),
        },
        ...{ tools: (body.tools?.length ?? 0) > 0, structuredOutput: false, choices: 1 },
        ...{ maxOutputTokens: 0, maxOutputField: "max_output_tokens", inputField: "input" },
      });
      const counting = { dialect, demand, body: expanded?.bytes ?? request.rawBody };
      return { object: "response.input_tokens", input_tokens: await countInput(context, request, reply, counting) };
    },
  );
}
