import type { FastifyInstance } from "fastify";
import { Module } from "../../shared/gen/throughline/common/v1/common_pb.ts";
import type { Ask } from "../ask.ts";
import type { GatewayContext } from "../context.ts";
import { checkChat } from "../domain/check-chat.ts";
import { estimateInput } from "../domain/estimate.ts";
import { idempotencyKeyOf } from "../idempotency.ts";
import { type OpenStreams, openaiInBandError } from "./answers.ts";
import { principalOf } from "./edge.ts";
import { answerPaid, paidBy } from "./paid.ts";
import { type ChatBody, chatBody } from "./schemas/chat.ts";

const dialect = "openai.chat";

/** POST /v1/chat/completions: OpenAI's chat completions. */
export function chatCompletions(edge: FastifyInstance, context: GatewayContext, open: OpenStreams): void {
  edge.post<{ Body: ChatBody }>(
    "/v1/chat/completions",
    { schema: { body: chatBody }, onRequest: paidBy(context, "chat", dialect) },
    async (request, reply) => {
      const { body, incoming } = request;
      checkChat(body);
      const principal = principalOf(request);
      const ask: Ask = {
        incoming,
        principal,
        dialect,
        module: Module.CHAT,
        model: body.model,
        stream: body.stream === true,
        includeUsage: body.stream_options?.include_usage === true,
        body: request.rawBody,
        estimate: estimateInput(body.messages, body.tools, body.functions, body.response_format),
        tools: (body.tools?.length ?? body.functions?.length ?? 0) > 0,
        structuredOutput: body.response_format?.type === "json_schema",
        maxOutputTokens: body.max_completion_tokens ?? body.max_tokens ?? 0,
        choices: body.n ?? 1,
        headers: {},
        affinity: body.prompt_cache_key ?? "",
        idempotencyKey: idempotencyKeyOf(request.headers["idempotency-key"]),
        storeResponse: principal.storeResponse,
      };
      await answerPaid(context, open, ask, reply, openaiInBandError);
    },
  );
}
