import type { ServerResponse } from "node:http";
import type { FastifyReply, FastifyRequest } from "fastify";
import { createBytesAnswer } from "../answers/bytes.ts";
import { namedInBandCost } from "../answers/costs.ts";
import { createEventsAnswer } from "../answers/events.ts";
import type { InBand } from "../answers/in-band.ts";
import { createJsonAnswer } from "../answers/json.ts";
import { createListAnswer } from "../answers/list.ts";
import type { OpenStreams } from "../answers/open-streams.ts";
import type { GatewayContext } from "../context.ts";
import type { Answer, Ask } from "../story/ask.ts";
import type { AnswerKind } from "../story/demand.ts";
import { beginCall } from "../story/job-story.ts";
import { acceptedStatus, type Later, prefersLater } from "../story/later.ts";
import { tellStory } from "../story/story.ts";
import { toJobView } from "../view/job.ts";
import { callbackUrlOf } from "./jobs/callback.ts";
import { sendObject } from "./objects/send.ts";
import type { PaidEndpoint } from "./paid-endpoint.ts";

/** What makes the answer of each kind. */
const createAnswer: Readonly<
  Record<AnswerKind, (response: ServerResponse, open: OpenStreams, inBand: InBand) => Answer>
> = {
  json: createJsonAnswer,
  events: createEventsAnswer,
  bytes: (response, _open, { tellsCost }) => createBytesAnswer(response, tellsCost),
  list: createListAnswer,
};

/** Tells the story of what was asked and answers it: at once, or with a job where the client prefers that. Throws as `tellStory` does. */
export async function answerAsk(
  context: GatewayContext,
  open: OpenStreams,
  { inBandError, inBandCost = namedInBandCost, waitsForCost = false }: PaidEndpoint,
  ask: Ask,
  { request, reply, background }: Asking,
): Promise<void> {
  const later = background ?? (prefersLater(request.headers.prefer, ask) ? asJob : undefined);
  if (later !== undefined) return answerLater(context, ask, { request, reply }, later);
  const { tellsCost, incoming } = ask;
  const inBand = { requestId: incoming.idText, error: inBandError, cost: inBandCost, tellsCost };
  const kind = tellsCost && waitsForCost ? "json" : ask.demand.answer;
  await tell(context, ask, createAnswer[kind](reply.raw, open, inBand));
  reply.hijack();
}

/** Tells the story of a request that is counted among those that run. Throws as `tellStory` does. */
export async function tell(context: GatewayContext, ask: Ask, answer: Answer): Promise<void> {
  context.running.entered();
  context.pacing.begun();
  try {
    await tellStory(context, ask, answer);
    context.limits.served(ask.principal.keyId);
  } finally {
    context.pacing.ended();
    context.running.left();
  }
}

/** The connection of a request, and whether its body says that it is answered later. */
interface Asking {
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
  readonly background: Later | undefined;
}

/** A client that prefers to be answered later gets the job. */
const asJob: Later = { httpStatus: acceptedStatus, view: Buffer.from("{}"), show: toJobView };

/** Answers with a job at once; its result is asked for later. */
async function answerLater(
  context: GatewayContext,
  asked: Ask,
  { request, reply }: Pick<Asking, "request" | "reply">,
  later: Later,
): Promise<void> {
  const callbackUrl = await callbackUrlOf(context, request, undefined);
  // A repeat that says it otherwise is another request.
  const demand = { ...asked.demand, addressed: `${asked.demand.addressed ?? ""} later` };
  context.running.entered();
  try {
    await beginCall(context, { ...asked, demand }, createJsonAnswer(reply.raw), { ...later, callbackUrl }, () =>
      keepForm(context, asked),
    );
    context.limits.served(asked.principal.keyId);
  } finally {
    context.running.left();
  }
  reply.hijack();
}

/** A form that nobody needs any more is removed with its job; one whose job never came, a while after a job's longest life. */
const formSpareMs = 3_600_000;

/** Keeps the bytes of a form's files as an object with the ID of the request. */
async function keepForm(context: GatewayContext, { incoming, principal, upload }: Ask): Promise<bigint> {
  if (upload === undefined) return 0n;
  const { source } = upload;
  const object = { objectId: incoming.id, accountId: principal.accountId };
  const options = {
    requestId: incoming.id,
    traceparent: incoming.span.traceparent,
    timeoutMs: context.config.callTimeoutMs,
  };
  await context.jobs.beginObject({ ...object, contentType: "application/octet-stream" }, options);
  const lifeMs = context.config.laterTimeoutMs + formSpareMs;
  await sendObject(context, incoming, source, { ...object, lifeMs, offset: 0, length: source.length });
  return incoming.id;
}
