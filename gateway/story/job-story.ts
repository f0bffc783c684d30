import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { ExponentialBackoff, handleWhen, retry } from "cockatiel";
import { ThroughlineError } from "../../shared/errors/error.ts";
import type { CreateJobRequestSchema, Job } from "../../shared/gen/throughline/jobs/v1/jobs_pb.ts";
import { HeadSchema } from "../../shared/gen/throughline/provider/v1/provider_pb.ts";
import { persistently } from "../../shared/persistently.ts";
import type { GatewayContext } from "../context.ts";
import type { Answer, Ask } from "./ask.ts";
import { closingRequest } from "./closing.ts";
import { elapsedUs, mark } from "./incoming.ts";
import { invokeItem } from "./items.ts";
import { takeIn } from "./take-in.ts";

/** What a request for a job says beside its demand. */
export interface JobDemand {
  /** Milliseconds that the job may take. */
  readonly lifeMs: number;
  /** What the client is to be shown of its request later, JSON. */
  readonly view: Uint8Array;
  /** The job as the client sees it. */
  show(job: Job): object;
}

/** A vendor may take a minute to say that it has a job; what the service adds is little. */
const createTimeoutMs = 90_000;
/** Within this time a service that was killed is there again. */
const retriesForMs = 30_000;

/**
 * The story of a request that begins a job: resolve -> reserve -> create. From its row on the job is the service's: it is asked
 * of a vendor, followed, settled and recorded there, whatever becomes of this gateway and of the client.
 *
 * Throws the error that the client shall get.
 */
export async function beginJob(context: GatewayContext, ask: Ask, answer: Answer, demand: JobDemand): Promise<void> {
  const { incoming } = ask;
  const taken = await takeIn(context, ask, answer);
  if (taken === undefined) return;
  const { route, reservation } = taken;
  const { facts } = closingRequest(ask, route, reservation.reservedNanoUsd);
  const job = await createJob(context, ask, {
    requestId: incoming.id,
    item: invokeItem(ask, route, facts, elapsedUs(incoming)),
    lifeMs: BigInt(demand.lifeMs),
    view: demand.view,
  });
  mark(incoming, "begun");
  if (incoming.served !== undefined) incoming.served.channel = job.candidate?.channel ?? "";
  const body = Buffer.from(JSON.stringify(demand.show(job)));
  if (ask.idempotencyKey !== "") await keepAnswer(context, ask, body);
  answer.begin(create(HeadSchema, { contentType: "application/json" }), reservation.headers);
  void answer.write(body);
  answer.end();
}

/**
 * Creates the job, again where the service was lost before it answered: it may have begun the job, which then goes on and is
 * charged, so its client must not be refused. Creating is idempotent by the request's ID.
 */
async function createJob(
  { jobs }: GatewayContext,
  { incoming }: Ask,
  request: MessageInitShape<typeof CreateJobRequestSchema>,
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
  const { job } = await untilItIsThere.execute(() => jobs.createJob(request, options));
  if (job === undefined) throw new ThroughlineError("internal_error", "A job was begun and is not told.");
  return job;
}

/** A repeat of its Idempotency-Key gets this answer; how far the job is, it asks for by the job's ID. */
async function keepAnswer(context: GatewayContext, { incoming }: Ask, body: Uint8Array): Promise<void> {
  await persistently.execute(() =>
    context.billing.storeAnswer(
      { requestId: incoming.id, httpStatus: 200, contentType: "application/json", body, forget: false },
      { requestId: incoming.id, timeoutMs: context.config.callTimeoutMs },
    ),
  );
}
