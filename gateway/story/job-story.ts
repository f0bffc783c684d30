import { create } from "@bufbuild/protobuf";
import { ExponentialBackoff, handleWhen, retry } from "cockatiel";
import { ThroughlineError } from "../../shared/errors/error.ts";
import type { Reservation } from "../../shared/gen/throughline/billing/v1/billing_pb.ts";
import type { Job } from "../../shared/gen/throughline/jobs/v1/jobs_pb.ts";
import { HeadSchema, JobAction, JobStepSchema } from "../../shared/gen/throughline/provider/v1/provider_pb.ts";
import { persistently } from "../../shared/persistently.ts";
import type { CallOptions } from "../../shared/rpc/index.ts";
import type { GatewayContext } from "../context.ts";
import type { Answer, Ask } from "./ask.ts";
import { closingRequest } from "./closing.ts";
import { elapsedUs, mark } from "./incoming.ts";
import { invokeItem } from "./items.ts";
import { acceptedHeaders, acceptedStatus, type Later } from "./later.ts";
import { type TakenIn, takeIn } from "./take-in.ts";

/** What a request for a job says beside its demand. */
export interface JobDemand {
  /** Milliseconds that the job may take. */
  readonly lifeMs: number;
  /** What the client is to be shown of its request later, JSON. */
  readonly view: Uint8Array;
  /** Where the end of the job is told beside the account's webhooks; empty: nowhere. */
  readonly callbackUrl: string;
  /** The job as the client sees it. */
  show(job: Job): object;
  /** An earlier job that this one goes on from, at the vendor that has it. Absent: from none. */
  readonly follows?: Job | undefined;
}

/** A vendor may take a minute to say that it has a job; what the service adds is little. */
const createTimeoutMs = 90_000;
/** Within this time a service that was killed is there again. */
const retriesForMs = 30_000;

/**
 * The story of a request that begins a vendor's job: resolve -> reserve -> create. From its row on the job is the service's: it is
 * asked of a vendor, followed, settled and recorded there, whatever becomes of this gateway and of the client.
 *
 * Throws the error that the client shall get.
 */
export async function beginJob(context: GatewayContext, ask: Ask, answer: Answer, demand: JobDemand): Promise<void> {
  const taken = await takeIn(context, ask, answer, { job: true });
  if (taken === undefined) return;
  const { lifeMs, view, callbackUrl, show, follows } = demand;
  const { id: requestId } = ask.incoming;
  const request = { requestId, item: itemOf(ask, taken, follows), lifeMs: BigInt(lifeMs), view, callbackUrl };
  const job = await created(ask, (options) => context.jobs.createJob(request, options));
  await giveJob(context, ask, answer, { job, show, httpStatus: 200, reservation: taken.reservation });
}

/**
 * The story of a request that is answered later: resolve -> reserve -> create. The service makes the call, keeps its answer,
 * settles and records it; the client asks for it by the job's ID.
 *
 * @param keepForm keeps the bytes of the request's form as an object, and gives its ID.
 * Throws the error that the client shall get.
 */
export async function beginCall(
  context: GatewayContext,
  ask: Ask,
  answer: Answer,
  later: Later & Pick<JobDemand, "callbackUrl">,
  keepForm: () => Promise<bigint>,
): Promise<void> {
  const taken = await takeIn(context, ask, answer, { job: true });
  if (taken === undefined) return;
  const request = {
    requestId: ask.incoming.id,
    item: itemOf(ask, taken),
    lifeMs: BigInt(context.config.laterTimeoutMs),
    view: later.view,
    callbackUrl: later.callbackUrl,
    input: ask.input ?? new Uint8Array(),
    keepsAnswer: ask.keepsAnswer,
    uploadObjectId: ask.upload === undefined ? 0n : await keepForm(),
  };
  const job = await created(ask, (options) => context.jobs.createCall(request, options));
  await giveJob(context, ask, answer, { job, ...later, reservation: taken.reservation });
}

/** A job that goes on from an earlier one is asked of the vendor that has that one, at the price of today. */
function itemOf(ask: Ask, { route, reservation }: TakenIn, follows?: Job) {
  const { facts } = closingRequest(ask, route, reservation.reservedNanoUsd);
  if (follows?.candidate === undefined) return invokeItem(ask, route, facts, elapsedUs(ask.incoming));
  const { candidate, vendorJobId, locator } = follows;
  const same = route.candidates.filter(({ channel }) => channel === candidate.channel);
  const candidates = same.length > 0 ? same : [candidate];
  const job = create(JobStepSchema, { action: JobAction.START, vendorJobId, locator });
  return { ...invokeItem(ask, { ...route, candidates }, facts, elapsedUs(ask.incoming)), job };
}

/**
 * Creates the job, again where the service was lost before it answered: it may have begun the job, which then goes on and is
 * charged, so its client must not be refused. Creating is idempotent by the request's ID.
 */
async function created(
  { incoming }: Ask,
  create: (options: CallOptions) => Promise<{ readonly job?: Job | undefined }>,
): Promise<Job> {
  const startedMs = performance.now();
  const untilItIsThere = retry(
    handleWhen(
      (error) =>
        ThroughlineError.from(error).code === "service_unavailable" && performance.now() - startedMs < retriesForMs,
    ),
    { maxAttempts: 1_000, backoff: new ExponentialBackoff({ initialDelay: 50, maxDelay: 1_000 }) },
  );
  const options = { requestId: incoming.id, traceparent: incoming.span.traceparent, timeoutMs: createTimeoutMs };
  const { job } = await untilItIsThere.execute(() => create(options));
  if (job === undefined) throw new ThroughlineError("internal_error", "A job was begun and is not told.");
  return job;
}

interface Given extends Pick<Later, "httpStatus" | "show"> {
  readonly job: Job;
  readonly reservation: Reservation;
}

/** Answers with the job as it is now. */
async function giveJob(context: GatewayContext, ask: Ask, answer: Answer, given: Given): Promise<void> {
  const { incoming } = ask;
  const { job, httpStatus, reservation } = given;
  mark(incoming, "begun");
  if (incoming.served !== undefined) incoming.served.channel = job.candidate?.channel ?? "";
  const body = Buffer.from(JSON.stringify(given.show(job)));
  if (ask.idempotencyKey !== "") await keepAnswer(context, ask, { httpStatus, body });
  const headers = httpStatus === acceptedStatus ? acceptedHeaders(incoming.id) : {};
  const head = create(HeadSchema, { contentType: "application/json", httpStatus });
  answer.begin(head, { ...reservation.headers, ...headers });
  void answer.write(body);
  answer.end();
}

/** A repeat of its Idempotency-Key gets this answer; how far the job is, it asks for by the job's ID. */
async function keepAnswer(
  context: GatewayContext,
  { incoming }: Ask,
  { httpStatus, body }: { readonly httpStatus: number; readonly body: Uint8Array },
): Promise<void> {
  await persistently(() =>
    context.billing.storeAnswer(
      { requestId: incoming.id, httpStatus, contentType: "application/json", body, begun: true },
      { requestId: incoming.id, timeoutMs: context.config.callTimeoutMs },
    ),
  );
}
