import { toBinary } from "@bufbuild/protobuf";
import { ThroughlineError } from "../../../shared/errors/error.ts";
import type { CreateJobRequest } from "../../../shared/gen/throughline/jobs/v1/jobs_pb.ts";
import { InvokeItemSchema } from "../../../shared/gen/throughline/provider/v1/provider_pb.ts";
import type { UnaryContext } from "../../../shared/rpc/index.ts";
import type { JobsContext } from "../context.ts";
import { insertJob, readJob } from "../db/jobs.ts";
import { readKeptError } from "../db/kept-error.ts";
import { begin, holdStart, startLeaseMs } from "../runner/begin.ts";
import type { Pool } from "../runner/pool.ts";
import { keepCallback } from "../webhooks/callbacks.ts";
import { noSuchJob, toJob } from "./job-message.ts";

const maxViewBytes = 64 * 1024;

/** Begins a job. What is asked goes on whether or not the caller waits for it: the job is ours from its row on. */
export async function createJob(
  context: JobsContext,
  worker: Pick<Pool, "wake">,
  request: CreateJobRequest,
  { traceparent }: UnaryContext,
) {
  const { requestId, item, view, lifeMs } = request;
  const facts = item?.facts;
  if (item === undefined || facts === undefined || requestId === 0n || view.length > maxViewBytes) {
    throw new ThroughlineError("invalid_value", "A job needs a request, its facts and a view of at most 64 KiB.");
  }
  const { accountId, keyId, userId, createdUnixUs } = facts;
  const owner = { accountId, keyId: 0n, userId: "" };
  await keepCallback(context, { requestId, accountId, url: request.callbackUrl });
  const isNew = await insertJob(context.db, {
    ...{ requestId, accountId, keyId, userId, module: item.module, body: item.body, view, traceparent },
    item: toBinary(InvokeItemSchema, { ...item, body: new Uint8Array() }),
    createdUnixMs: Number(createdUnixUs / 1_000n),
    lifeMs: Number(lifeMs),
    startLeaseMs,
  });
  if (isNew) {
    const row = await readJob(context.db, owner, requestId);
    if (row === undefined) throw noSuchJob();
    await holdStart(context, requestId, () => begin(context, row));
    worker.wake();
  }
  const row = await readJob(context.db, owner, requestId);
  if (row === undefined) throw noSuchJob();
  // A refusal at the start is the answer of the request. A job that failed later was begun.
  const refusal = row.vendor_job_id === "" ? readKeptError(row) : undefined;
  if (refusal !== undefined) throw refusal;
  return { job: toJob(row) };
}
