import { type Job, JobKind, JobState } from "../../shared/gen/throughline/jobs/v1/jobs_pb.ts";
import { moduleNameOf } from "../../shared/modules.ts";
import type { StatusName } from "./history-item.ts";

/** History's words of a job's state. */
const statusOf: Readonly<Record<JobState, StatusName>> = {
  [JobState.UNSPECIFIED]: "pending",
  [JobState.PENDING]: "pending",
  [JobState.QUEUEING]: "queueing",
  [JobState.PROCESSING]: "processing",
  [JobState.SUCCEEDED]: "succeeded",
  [JobState.FAILED]: "failed",
};

/** History's word of its state. */
export function jobStatus({ state }: Job): StatusName {
  return statusOf[state] ?? "pending";
}

/** A job of any kind as its owner sees it. */
export function toJobView(job: Job) {
  return {
    /** `job_` and the ID of its request. */
    id: `job_${job.requestId}`,
    object: "job" as const,
    request_id: job.requestId.toString(),
    module: moduleNameOf(job.module),
    dialect: job.dialect,
    model: job.model,
    status: jobStatus(job),
    progress: job.progressPercent,
    cancel_requested: job.cancelRequested,
    channel: job.candidate?.channel ?? null,
    vendor_job_id: job.vendorJobId || null,
    created_time: new Date(Number(job.createdUnixMs)).toISOString(),
    ended_time: job.endedUnixMs === 0n ? null : new Date(Number(job.endedUnixMs)).toISOString(),
    expires_time: job.expiresUnixMs === 0n ? null : new Date(Number(job.expiresUnixMs)).toISOString(),
    error:
      job.error === undefined
        ? null
        : {
            code: job.error.code,
            message: job.error.message,
            /** Path of the parameter that it is about; null: of none. */
            param: job.error.param || null,
          },
    content: contentOf(job),
  };
}

/** A job as its account and operators list it. */
export function toJobRow(job: Job) {
  return {
    ...toJobView(job),
    /** Who carries it out: a vendor that has jobs of its own, or the platform itself, which calls an upstream later. */
    kind: job.kind === JobKind.CALL ? ("call" as const) : ("vendor" as const),
    account_id: job.accountId.toString(),
    key_id: job.keyId.toString(),
    user_id: job.userId || null,
    polls: job.polls,
    /** How many of the last questions in a row were not answered. */
    failed_polls: job.failedPolls,
    deadline_time: new Date(Number(job.deadlineUnixMs)).toISOString(),
    /**
     * Why the last question was not answered as it should be: a code of the catalogue, `channel_removed`, `job_unknown` or
     * `word_unknown`; null: it was.
     */
    trouble:
      job.trouble === ""
        ? null
        : { code: job.trouble, since_time: new Date(Number(job.troubleSinceUnixMs)).toISOString() },
  };
}

/** Bytes of a result. */
interface JobContent {
  /** Path of the HTTP API. */
  readonly url: string;
  /** Their type, where it is known. */
  readonly type?: string;
  /** How many, where it is known. */
  readonly bytes?: number;
}

/** Where the bytes of its result are; null: there are none yet. */
function contentOf({ kind, state, requestId, resultType, resultBytes }: Job): JobContent | null {
  if (state !== JobState.SUCCEEDED) return null;
  const url = `/v1/jobs/job_${requestId}/content`;
  return kind === JobKind.CALL ? { url, type: resultType, bytes: Number(resultBytes) } : { url };
}
