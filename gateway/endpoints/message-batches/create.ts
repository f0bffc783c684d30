import type { FastifyInstance } from "fastify";
import Type, { type Static } from "typebox";
import { ThroughlineError } from "../../../shared/errors/error.ts";
import { Module } from "../../../shared/gen/throughline/common/v1/common_pb.ts";
import { BatchApi } from "../../../shared/gen/throughline/jobs/v1/batches_pb.ts";
import type { GatewayContext } from "../../context.ts";
import { elementsOf, membersOf } from "../../domain/json-spans.ts";
import { type Admission, principalOf, publicKinds } from "../../edge/admission.ts";
import { toMessageBatch } from "../../view/message-batch.ts";
import type { GivenLine } from "../batches/prepare-line.ts";
import { takeBatch } from "../batches/take-batch.ts";
import { messages } from "../chat/messages.ts";
import type { Endpoint } from "../endpoint.ts";
import { originOf } from "./origin.ts";

/** Dialect of Anthropic's message batches. */
export const messageBatchesDialect = "anthropic.batches";

const mostLines = 100_000;

const body = Type.Object({
  requests: Type.Array(
    Type.Object({
      custom_id: Type.String({ minLength: 1, maxLength: 64 }),
      // Each is checked as a request of its own, so that one which is wrong does not keep the others from being run.
      params: Type.Record(Type.String(), Type.Unknown()),
    }),
    { minItems: 1, maxItems: mostLines },
  ),
});

/** Results are kept for as long as at Anthropic. */
const resultsLifeMs = 29 * 86_400_000;

/** POST /v1/messages/batches: takes in requests, which jobs then runs. */
export function createMessageBatch(edge: FastifyInstance, context: GatewayContext): void {
  const endpoint = { dialect: messageBatchesDialect, module: Module.CHAT };
  const admission: Admission = {
    ...{ kinds: publicKinds, scope: "chat", endpoint, fresh: false },
    secretFirst: "x-api-key",
  };
  const bodyLimit = context.config.bodyLimitBytes;
  edge.post<{ Body: Static<typeof body> }>(
    "/v1/messages/batches",
    { schema: { body }, bodyLimit, config: { admission } },
    async (request) => {
      const { requests } = request.body;
      const seen = new Set<string>();
      for (const [index, { custom_id: id }] of requests.entries()) {
        if (seen.has(id)) throw twice(index);
        seen.add(id);
      }
      context.running.entered();
      try {
        const batch = await takeBatch(context, request, {
          api: BatchApi.ANTHROPIC,
          endpoint: messages as Endpoint,
          dialect: messageBatchesDialect,
          inputFileId: 0n,
          view: Buffer.from("{}"),
          resultsLifeMs,
          lines: () => givenLines(requests, request.rawBody),
        });
        context.limits.served(principalOf(request).keyId);
        return toMessageBatch(batch, originOf(request));
      } finally {
        context.running.left();
      }
    },
  );
}

/** The requests with their parameters as they stand in the body. */
async function* givenLines(requests: Static<typeof body>["requests"], rawBody: Buffer): AsyncGenerator<GivenLine> {
  const list = membersOf(rawBody).get("requests");
  const elements = list === undefined ? [] : elementsOf(rawBody, list.start);
  for (const [index, { custom_id: customId, params }] of requests.entries()) {
    const element = elements[index];
    const at = element === undefined ? undefined : membersOf(rawBody, element.start).get("params");
    if (at === undefined) throw new ThroughlineError("internal_error", "The requests of a batch cannot be told apart.");
    yield { customId, body: params, bytes: rawBody.subarray(at.start, at.end) };
  }
}

function twice(index: number): ThroughlineError {
  const param = `requests[${index}].custom_id`;
  return new ThroughlineError("invalid_value", `${param} was given before.`, { param });
}
