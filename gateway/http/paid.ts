import type { FastifyReply, FastifyRequest, onRequestAsyncHookHandler } from "fastify";
import { KeyKind } from "../../shared/gen/throughline/billing/v1/billing_pb.ts";
import type { Answer, Ask } from "../ask.ts";
import { authenticate, authorise } from "../authenticate.ts";
import type { GatewayContext } from "../context.ts";
import { mark } from "../incoming.ts";
import { tellStory } from "../story.ts";
import { createJsonAnswer, createStreamAnswer, type InBandError, type OpenStreams } from "./answers.ts";

const payingKinds = [KeyKind.API, KeyKind.SERVER, KeyKind.USER];

/** Authenticates before the body is read: a stranger cannot make the edge take 16 MB. */
export function paidBy(context: GatewayContext, scope: string, dialect: string): onRequestAsyncHookHandler {
  return async (request) => {
    const { incoming } = request;
    incoming.dialect = dialect;
    const principal = await authenticate(context, incoming, request.headers, false);
    incoming.principal = principal;
    mark(incoming, "authenticated");
    authorise(principal, scope, payingKinds, request.ip);
  };
}

/** Tells the story of a paid request to its client. */
export async function answerPaid(
  context: GatewayContext,
  open: OpenStreams,
  ask: Ask,
  reply: FastifyReply,
  inBandError: InBandError,
): Promise<void> {
  const response = reply.raw;
  const answer: Answer = ask.stream
    ? createStreamAnswer(response, open, ask.incoming.idText, inBandError)
    : createJsonAnswer(response);
  await tellStory(context, ask, answer);
  reply.hijack();
}

/** Headers of the client that belong to a dialect. */
export function dialectHeaders(request: FastifyRequest, prefix: string): Readonly<Record<string, string>> {
  const found: Record<string, string> = {};
  for (const [name, value] of Object.entries(request.headers)) {
    if (name.startsWith(prefix) && typeof value === "string") found[name] = value;
  }
  return found;
}
