import { tracked } from "@trpc/server";
import type { Billed, StreamEvent } from "../../client/contract/receipt.ts";
import { ThroughlineError } from "../../shared/errors/error.ts";
import type { Head } from "../../shared/gen/throughline/provider/v1/provider_pb.ts";
import { type CollectedAnswer, createCollectedAnswer } from "../answers/collected.ts";
import { setHead } from "../answers/head.ts";
import { createQueuedAnswer } from "../answers/queued.ts";
import { type ArrivedCall, receiveCall } from "../edge/arrival.ts";
import { recordUntold } from "../edge/refusals.ts";
import { validationError } from "../edge/validation.ts";
import { admissionOf } from "../endpoints/endpoint.ts";
import type { Answer } from "../story/ask.ts";
import { authorise } from "../story/authenticate.ts";
import { procedure, type TrpcContext } from "./procedures.ts";
import { receiptOf } from "./receipt.ts";
import type { Work } from "./work.ts";

/** What an answer's bytes say, as it is given. */
type Read<A> = (bytes: Buffer, head: Head | undefined) => A;

const asJson: Read<unknown> = (bytes) => JSON.parse(bytes.toString());

/**
 * A mutation that does what an endpoint does over HTTP: the same checks, story, ledger and record. It answers when the cost is
 * known.
 */
export function whole<Request extends object, Reply extends object>(
  work: Work,
  read: Read<Reply> = asJson as Read<Reply>,
) {
  return procedure
    .meta({ endpoint: work.endpoint })
    .input(checkedLater<Request>)
    .mutation(async ({ ctx, input: given, path, signal = new AbortController().signal }): Promise<Reply & Billed> => {
      const input = given as object;
      const call = openCall(ctx, path);
      const answer = createCollectedAnswer(signal);
      try {
        refuseStream(input);
        await carryOut(ctx, call, work, input, answer);
        const reply = await replyOf(ctx, call, answer, read);
        call.finished(200);
        return reply;
      } catch (thrown) {
        throw failed(ctx, call, input, thrown);
      }
    });
}

/**
 * A subscription that does what an endpoint does as a stream. Each event has the request ID as its own, so that a client whose
 * connection broke names it when it comes again: the work is not done, and paid, a second time.
 *
 * @param asked what the body says for its answer to be a stream.
 */
export function streamed<Request extends object, Chunk>(
  work: Work,
  asked: Readonly<Record<string, unknown>> = { stream: true },
) {
  return procedure
    .meta({ endpoint: work.endpoint })
    .input(checkedLater<Request>)
    .subscription(async function* ({ ctx, input: given, path, signal = new AbortController().signal }) {
      const input = given as object;
      const call = openCall(ctx, path);
      const left = new AbortController();
      const gone = AbortSignal.any([signal, left.signal]);
      const answer = createQueuedAnswer(gone);
      const { idText: request_id, span } = call.incoming;
      const event = (data: StreamEvent<Chunk>) => tracked(request_id, data);
      let ended = false;
      try {
        const body = { ...withoutResumption(input), ...asked };
        const told = carryOut(ctx, call, work, body, answer).then(
          () => answer.close(),
          (thrown: unknown) => answer.close(ThroughlineError.from(thrown)),
        );
        yield event({ type: "start", throughline: { request_id, trace_id: span.traceId } });
        for await (const data of answer.events()) yield event({ type: "chunk", chunk: JSON.parse(data) as Chunk });
        await told;
        if (gone.aborted) return;
        ended = true;
        yield event({ type: "end", throughline: await receiptOf(ctx.gateway, call.incoming, answer.ended()) });
        call.finished(200);
      } catch (thrown) {
        ended = true;
        throw failed(ctx, call, input, thrown);
      } finally {
        if (!ended) left.abort();
      }
    });
}

/** Types an input; what it says is checked by the schema of its endpoint, which also names the field that is wrong. */
function checkedLater<Request>(value: unknown): Request {
  return value as Request;
}

/** One of several calls in a request has an ID of its own; else it is the request's. */
function openCall(ctx: TrpcContext, path: string): ArrivedCall {
  return ctx.batched
    ? receiveCall(ctx.gateway, ctx.request, `/trpc/${path}`)
    : { incoming: ctx.incoming, finished: () => undefined };
}

async function carryOut(
  ctx: TrpcContext,
  { incoming }: ArrivedCall,
  { endpoint, body, carry }: Work,
  given: object,
  answer: Answer,
): Promise<void> {
  const { gateway, request } = ctx;
  const { headers } = request;
  if (ctx.batched) admitCall(ctx, incoming, endpoint);
  const validate = request.compileValidationSchema(body);
  if (!validate(given)) throw validationError(validate.errors ?? []);
  const rawBody = Buffer.from(JSON.stringify(given));
  gateway.bodies.take(rawBody.length);
  try {
    await carry(gateway, given, { incoming, headers, rawBody, params: {}, query: {} }, answer);
  } finally {
    gateway.bodies.give(rawBody.length);
  }
}

/** Each of several calls passes the checks that the edge makes before it reads a request. */
function admitCall(ctx: TrpcContext, incoming: ArrivedCall["incoming"], endpoint: Work["endpoint"]): void {
  const { kinds, scope, endpoint: refusedAs } = admissionOf(endpoint);
  incoming.endpoint = refusedAs;
  authorise(ctx.caller, scope, kinds, ctx.ip);
  ctx.gateway.limits.admitPaid(ctx.caller.keyId);
  if (ctx.request.headers["idempotency-key"] === undefined) return;
  throw new ThroughlineError("invalid_value", "An Idempotency-Key is for one call; send this one by itself.", {
    param: "Idempotency-Key",
  });
}

async function replyOf<Reply extends object>(
  ctx: TrpcContext,
  { incoming }: ArrivedCall,
  answer: CollectedAnswer,
  read: Read<Reply>,
): Promise<Reply & Billed> {
  if (answer.isGone()) throw new ThroughlineError("client_closed_request", "The client left before the answer.");
  const ended = answer.ended();
  if (!ctx.batched && ended.head !== undefined) setHead(ctx.reply.raw, ended.head, ended.headers);
  const throughline = await receiptOf(ctx.gateway, incoming, ended);
  return { ...read(answer.bytes(), ended.head), throughline };
}

/** Puts a failed call on the record where no story has, and gives what its client shall get. */
function failed(ctx: TrpcContext, { incoming, finished }: ArrivedCall, given: object, thrown: unknown): Error {
  const error = ThroughlineError.from(thrown);
  recordUntold(ctx.gateway, { incoming, body: given, headers: ctx.request.headers }, error);
  ctx.failed.set(error, incoming.idText);
  incoming.errorCode = error.code;
  finished(error.httpStatus);
  return error;
}

function refuseStream(input: object): void {
  const stream: unknown = typeof input === "object" && input !== null ? Reflect.get(input, "stream") : undefined;
  if (stream !== true) return;
  throw new ThroughlineError("invalid_value", "stream is not taken here; subscribe to the stream procedure.", {
    param: "stream",
  });
}

/** The body that a subscription was given. Throws where its client tries to go on with a stream that broke. */
function withoutResumption(input: object): object {
  const { lastEventId, ...body } = (input ?? {}) as { lastEventId?: unknown };
  if (lastEventId === undefined || lastEventId === null) return body;
  throw new ThroughlineError(
    "invalid_value",
    `The stream of request ${String(lastEventId)} broke and cannot go on; requests.get tells what became of it.`,
    { param: "lastEventId" },
  );
}
