import type { Video } from "../../client/contract/modules.ts";
import { type Job, JobState } from "../../shared/gen/throughline/jobs/v1/jobs_pb.ts";

/** What the service keeps of a request for a video, so that its client can be shown it. */
export interface VideoView {
  /** null: the account keeps nothing of it. */
  readonly prompt: string | null;
  /** null: it did not say. */
  readonly seconds: string | null;
  readonly size: string | null;
  /** ID of the video that it is a remix of. Absent: of none. */
  readonly remixed_from?: string;
}

/** OpenAI's words of a job's state. */
const statusOf: Readonly<Record<JobState, Video["status"]>> = {
  [JobState.UNSPECIFIED]: "queued",
  [JobState.PENDING]: "queued",
  [JobState.QUEUEING]: "queued",
  [JobState.PROCESSING]: "in_progress",
  [JobState.SUCCEEDED]: "completed",
  [JobState.FAILED]: "failed",
};

/** ID of the video that a request makes. */
export function videoId(requestId: bigint): string {
  return `video_${requestId}`;
}

/** A job for a video as OpenAI's API shows it. */
export function toVideo(job: Job): Video {
  const view = JSON.parse(Buffer.from(job.view).toString()) as VideoView;
  const said = job.resultMs > 0n ? String(Math.round(Number(job.resultMs) / 1_000)) : view.seconds;
  return {
    id: videoId(job.requestId),
    object: "video",
    model: job.model,
    status: statusOf[job.state] ?? "queued",
    progress: job.progressPercent,
    created_at: seconds(job.createdUnixMs),
    completed_at: job.state === JobState.SUCCEEDED ? seconds(job.endedUnixMs) : null,
    expires_at: job.expiresUnixMs > 0n ? seconds(job.expiresUnixMs) : null,
    seconds: said,
    size: job.size || view.size,
    prompt: view.prompt,
    remixed_from_video_id: view.remixed_from ?? null,
    error: job.error === undefined ? null : { code: job.error.code, message: job.error.message },
  };
}

function seconds(unixMs: bigint): number {
  return Number(unixMs / 1_000n);
}
