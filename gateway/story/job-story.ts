import { create } from "@bufbuild/protobuf";
import { ThroughlineError } from "../../shared/errors/error.ts";
import type { Job } from "../../shared/gen/throughline/jobs/v1/jobs_pb.ts";
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
  const { job } = await context.jobs.createJob(
    {
      requestId: incoming.id,
      item: invokeItem(ask, route, facts, elapsedUs(incoming)),
      lifeMs: BigInt(demand.lifeMs),
      view: demand.view,
    },
    { requestId: incoming.id, traceparent: incoming.span.traceparent, timeoutMs: createTimeoutMs },
  );
  if (job === undefined) throw new ThroughlineError("internal_error", "A job was begun and is not told.");
  mark(incoming, "begun");
  if (incoming.served !== undefined) incoming.served.channel = job.candidate?.channel ?? "";
  const body = Buffer.from(JSON.stringify(demand.show(job)));
  if (ask.idempotencyKey !== "") await keepAnswer(context, ask, body);
  answer.begin(create(HeadSchema, { contentType: "application/json" }), reservation.headers);
  void answer.write(body);
  answer.end();
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
