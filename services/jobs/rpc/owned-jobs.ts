import { ThroughlineError } from "../../../shared/errors/error.ts";
import type {
  CancelJobRequest,
  DeleteJobRequest,
  GetJobRequest,
  ListJobsRequest,
} from "../../../shared/gen/throughline/jobs/v1/jobs_pb.ts";
import type { JobsContext } from "../context.ts";
import { phases } from "../db/job-row.ts";
import { hideJob, readJob, readJobs, requestCancel } from "../db/jobs.ts";
import type { Worker } from "../runner/worker.ts";
import { noSuchJob, ownerOf, toJob } from "./job-message.ts";

const maxPage = 100;

/** One job of an owner. */
export async function getJob({ db }: JobsContext, { owner, requestId }: GetJobRequest) {
  const row = await readJob(db, ownerOf(owner), requestId);
  if (row === undefined) throw noSuchJob();
  return { job: toJob(row) };
}

/** A page of an owner's jobs. */
export async function listJobs({ db }: JobsContext, request: ListJobsRequest) {
  const { owner, module, afterRequestId: after, limit, ascending: oldestFirst } = request;
  if (limit < 1 || limit > maxPage) {
    throw new ThroughlineError("invalid_value", `limit must be a whole number from 1 to ${maxPage}.`, {
      param: "limit",
    });
  }
  const rows = await readJobs(db, ownerOf(owner), { module, after, limit: limit + 1, oldestFirst });
  return { jobs: rows.slice(0, limit).map(toJob), hasMore: rows.length > limit };
}

/** Asks for the end of a job. */
export async function cancelJob({ db }: JobsContext, worker: Worker, { owner, requestId }: CancelJobRequest) {
  const whose = ownerOf(owner);
  await requestCancel(db, whose, requestId);
  worker.wake();
  const row = await readJob(db, whose, requestId);
  if (row === undefined) throw noSuchJob();
  return { job: toJob(row) };
}

/** Takes a job that has ended out of sight. */
export async function deleteJob({ db }: JobsContext, { owner, requestId }: DeleteJobRequest) {
  const row = await readJob(db, ownerOf(owner), requestId);
  if (row === undefined) throw noSuchJob();
  if (row.phase < phases.ending) {
    throw new ThroughlineError("invalid_value", "The job has not ended; cancel it first.", { param: "id" });
  }
  await hideJob(db, requestId);
  return {};
}
