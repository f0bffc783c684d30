import type { EventType } from "./event-types.ts";

/** What is known of a job that has ended. */
export interface EndedJob {
  readonly requestId: bigint;
  /** Name of its module. */
  readonly module: string;
  readonly dialect: string;
  /** Why it failed; null: it succeeded. */
  readonly code: string | null;
  readonly message: string | null;
  /** True: a response that came to one of its bounds. */
  readonly isIncomplete: boolean;
}

/** An event, before it has an ID. */
export interface EventContent {
  readonly type: EventType;
  /** What it is about, as JSON; it is the event's `data`. */
  readonly data: Readonly<Record<string, unknown>>;
}

interface Kind {
  readonly prefix: string;
  readonly succeeded: EventType;
  readonly failed: EventType;
  readonly cancelled: EventType;
}

/** Kinds of jobs that have events of OpenAI's, with what stands before the request's ID in theirs. */
const kinds = {
  video: { prefix: "video_", succeeded: "video.completed", failed: "video.failed", cancelled: "video.failed" },
  response: {
    prefix: "resp_",
    succeeded: "response.completed",
    failed: "response.failed",
    cancelled: "response.cancelled",
  },
  job: { prefix: "job_", succeeded: "job.succeeded", failed: "job.failed", cancelled: "job.cancelled" },
} as const satisfies Readonly<Record<string, Kind>>;

/** The event that tells how a job ended. Its `data.id` is what its client knows it by; more of it is asked for by that. */
export function jobEvent(job: EndedJob): EventContent {
  const kind = kinds[job.module === "video" ? "video" : job.dialect === "openai.responses" ? "response" : "job"];
  const outcome = job.code === null ? "succeeded" : job.code === "cancelled" ? "cancelled" : "failed";
  const isIncomplete = kind === kinds.response && outcome === "succeeded" && job.isIncomplete;
  return {
    type: isIncomplete ? "response.incomplete" : kind[outcome],
    data: { id: `${kind.prefix}${job.requestId}`, ...about(job) },
  };
}

/** Codes of ends that nobody knows the truth of. */
const givenUp: ReadonlySet<string> = new Set(["upstream_outcome_unknown", "expired"]);

/** The alert that a job was given up; undefined: it was not. */
export function givenUpAlert(job: EndedJob): EventContent | undefined {
  if (job.code === null || !givenUp.has(job.code)) return undefined;
  return { type: "alert.job_given_up", data: { id: `job_${job.requestId}`, ...about(job), module: job.module } };
}

function about({ requestId, code, message }: EndedJob) {
  return { request_id: requestId.toString(), ...(code === null ? {} : { error: { code, message } }) };
}
