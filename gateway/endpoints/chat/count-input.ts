import type { FastifyReply, FastifyRequest } from "fastify";
import { Module } from "../../../shared/gen/throughline/common/v1/common_pb.ts";
import { printable } from "../../answers/head.ts";
import type { GatewayContext } from "../../context.ts";
import { principalOf } from "../../edge/admission.ts";
import type { Demand } from "../../story/demand.ts";
import { resolve } from "../../story/resolve.ts";

/** A call counts as so many that cost nothing: it may ask an upstream with the platform's own credential. */
export const freeCounts = 5;

/** A request of chat whose input is to be counted. */
export interface Counting {
  readonly dialect: string;
  readonly demand: Demand;
  /** The request as it would go upstream. */
  readonly body: Uint8Array;
}

/** The input tokens that a request would count upstream. Counting costs nothing and leaves no record. */
export async function countInput(
  context: GatewayContext,
  request: FastifyRequest,
  reply: FastifyReply,
  { dialect, demand, body }: Counting,
): Promise<number> {
  const { incoming } = request;
  const { id: requestId } = incoming;
  const route = await resolve(context, { incoming, principal: principalOf(request), module: Module.CHAT, demand });
  const { headers, needs } = demand;
  const estimatedInputTokens = BigInt(needs.inputTokens);
  const { candidates, configVersion } = route;
  const counted = await context.provider.countTokens(
    { dialect, candidates, body, headers, requestId, configVersion, estimatedInputTokens },
    { requestId, traceparent: incoming.span.traceparent, timeoutMs: context.config.callTimeoutMs },
  );
  if (counted.upstreamRequestId !== "") reply.header("x-upstream-request-id", printable(counted.upstreamRequestId));
  return Number(counted.inputTokens);
}
