import { ThroughlineError } from "../../../shared/errors/error.ts";
import type {
  CancelJobRequest,
  DeleteJobRequest,
  GetJobRequest,
  ListJobsRequest,
} from "../../../shared/gen/throughline/jobs/v1/jobs_pb.ts";
import type { LineWorker } from "../batches/lines.ts";
import type { JobsContext } from "../context.ts";
import { endWaiting, rowResult } from "../db/calls.ts";
import { type JobRow, kinds, phases } from "../db/job-row.ts";
import { hideJob, readJob, requestCancel } from "../db/jobs.ts";
import { readJobs } from "../db/list-jobs.ts";
import type { JobsDatabase } from "../db/open.ts";
import { endOfStopped } from "../domain/call-fate.ts";
import type { Calls } from "../runner/calls.ts";
import type { Pool } from "../runner/pool.ts";
import { noSuchJob, ownerOf, toJob } from "./job-message.ts";

const maxPage = 100;

/** What works at jobs in this process. */
export interface Runners {
  readonly lines: LineWorker;
  readonly vendorBatches: Pick<Pool, "wake">;
  readonly worker: Pick<Pool, "wake">;
  readonly calls: Pick<Calls, "wake" | "cancel">;
}

/** One job of an owner. */
export async function getJob({ db }: JobsContext, { owner, requestId }: GetJobRequest) {
  const row = await readJob(db, ownerOf(owner), requestId);
  if (row === undefined) throw noSuchJob();
  return { job: await withResult(db, row) };
}

/** A job with its result, where that is short enough to stand in its row. */
async function withResult(db: JobsDatabase, row: JobRow) {
  const job = toJob(row);
  if (row.result_bytes === 0n || row.result_object !== 0n) return job;
  return { ...job, result: (await rowResult(db, row.request_id)) ?? new Uint8Array() };
}

/** A page of an owner's jobs. */
export async function listJobs({ db }: JobsContext, request: ListJobsRequest) {
  const { owner, module, kind, states, afterRequestId: after, limit, ascending: oldestFirst } = request;
  if (limit < 1 || limit > maxPage) {
    throw new ThroughlineError("invalid_value", `limit must be a whole number from 1 to ${maxPage}.`, {
      param: "limit",
    });
  }
  const filter = { module, kind, states, fromUnixMs: Number(request.fromUnixMs), toUnixMs: Number(request.toUnixMs) };
  const rows = await readJobs(db, ownerOf(owner), filter, { after, limit: limit + 1, oldestFirst });
  return { jobs: rows.slice(0, limit).map(toJob), hasMore: rows.length > limit };
}

/** Asks for the end of a job. */
export async function cancelJob(
  { db }: JobsContext,
  { worker, calls }: Runners,
  { owner, requestId }: CancelJobRequest,
) {
  const whose = ownerOf(owner);
  await requestCancel(db, whose, requestId);
  calls.cancel(requestId);
  let row = await readJob(db, whose, requestId);
  if (row === undefined) throw noSuchJob();
  if (
    row.kind === kinds.call &&
    row.phase === phases.starting &&
    (await endWaiting(db, requestId, endOfStopped("cancelled")))
  ) {
    row = (await readJob(db, whose, requestId)) ?? row;
  }
  worker.wake();
  return { job: await withResult(db, row) };
}

/** Takes a job that has ended, or a call that was cancelled, out of sight. */
export async function deleteJob({ db }: JobsContext, { owner, requestId }: DeleteJobRequest) {
  const row = await readJob(db, ownerOf(owner), requestId);
  if (row === undefined) throw noSuchJob();
  if (row.phase < phases.ending && !(row.kind === kinds.call && row.cancel_requested)) {
    throw new ThroughlineError("invalid_value", "The job has not ended; cancel it first.", { param: "id" });
  }
  await hideJob(db, requestId);
  return {};
}
