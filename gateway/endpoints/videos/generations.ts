import { type Static, Type } from "typebox";
import { type Job, JobState } from "../../../shared/gen/throughline/jobs/v1/jobs_pb.ts";
import { toVideo, videoId } from "../../view/video.ts";
import { anyObject, maybe, modelName, open } from "../schemas/json.ts";

/* POST /v1/video/generations and its GET, as clients of new-api know them (its dto/video.go and dto/task.go). */

/** Where a video is begun, and below which it is asked after. */
export const generationsPath = "/v1/video/generations";

const pixels = maybe(Type.Integer({ minimum: 0, maximum: 99_999 }));

/** Body of POST /v1/video/generations. Unknown fields pass: vendors have many of their own. */
export const generationsBody = open({
  model: modelName,
  prompt: Type.String({ minLength: 1, maxLength: 32_000 }),
  /** Address, data URL or base64. */
  image: maybe(Type.String({ minLength: 1 })),
  /** Seconds; 0: not said. */
  duration: maybe(Type.Number({ minimum: 0, maximum: 999 })),
  /** Pixels; 0: not said. */
  width: pixels,
  height: pixels,
  /** Fields of the vendor's own. */
  metadata: maybe(anyObject),
});

/** The same as the body of POST /v1/videos says it. */
export function fromGenerations(body: unknown): object {
  const { image, duration, width, height, metadata, ...others } = body as Static<typeof generationsBody>;
  const { response_format: _format, ...rest } = others as Record<string, unknown>;
  const size = width && height ? { size: `${width}x${height}` } : {};
  return {
    ...metadata,
    ...rest,
    ...(duration ? { seconds: String(Math.ceil(duration)) } : {}),
    ...size,
    ...(typeof image === "string" ? { input_reference: { image_url: addressOf(image) } } : {}),
  };
}

/** Base64 alone has no address; vendors look at the bytes, whatever its type says. */
function addressOf(image: string): string {
  return /^(?:https?:|data:)/i.test(image) ? image : `data:image/png;base64,${image}`;
}

/** A video that was begun: its ID under both names that clients look for. */
export function toGeneration(job: Job): object {
  const video = toVideo(job);
  return { ...video, task_id: videoId(job.requestId) };
}

const statusOf: Readonly<Partial<Record<JobState, string>>> = {
  [JobState.PENDING]: "SUBMITTED",
  [JobState.QUEUEING]: "QUEUED",
  [JobState.PROCESSING]: "IN_PROGRESS",
  [JobState.SUCCEEDED]: "SUCCESS",
  [JobState.FAILED]: "FAILURE",
};

/** A video as the task that new-api makes of it. */
export function toTask(job: Job): object {
  const id = videoId(job.requestId);
  const isDone = job.state === JobState.SUCCEEDED;
  const url = isDone ? `/v1/videos/${id}/content` : undefined;
  const seconds = (unixMs: bigint) => Number(unixMs / 1_000n);
  return {
    code: "success",
    message: "",
    data: {
      task_id: id,
      action: "generate",
      status: statusOf[job.state] ?? "UNKNOWN",
      fail_reason: job.error?.message ?? "",
      ...(url === undefined ? {} : { result_url: url }),
      submit_time: seconds(job.createdUnixMs),
      start_time: seconds(job.createdUnixMs),
      finish_time: seconds(job.endedUnixMs),
      progress: `${job.progressPercent}%`,
      data: { ...toVideo(job), ...(url === undefined ? {} : { url }) },
    },
  };
}
