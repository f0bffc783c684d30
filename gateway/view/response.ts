import { type Job, JobState } from "../../shared/gen/throughline/jobs/v1/jobs_pb.ts";

/** What of its request a response shows, as OpenAI's API does. */
const shown = [
  ...["instructions", "max_output_tokens", "max_tool_calls", "metadata", "parallel_tool_calls", "previous_response_id"],
  ...[
    "prompt_cache_key",
    "reasoning",
    "safety_identifier",
    "temperature",
    "text",
    "tool_choice",
    "tools",
    "top_logprobs",
  ],
  ...["top_p", "user"],
] as const;

/** Fields that a client's own text or schema may make long: they are left out where the view would be too large. */
const long: readonly string[] = ["instructions", "metadata", "text", "tools"];
/** The service keeps a view of at most 64 KiB. */
const maxViewBytes = 60 * 1024;

/** OpenAI's words of a response that has no answer yet, or never will. */
const statusOf: Readonly<Partial<Record<JobState, string>>> = {
  [JobState.PENDING]: "queued",
  [JobState.QUEUEING]: "queued",
  [JobState.PROCESSING]: "in_progress",
  [JobState.FAILED]: "failed",
};

/** What is kept of a request for a response in the background, so that its client can be shown it before there is an answer. */
export function responseView(body: Readonly<Record<string, unknown>>): Buffer {
  const given = shown.filter((name) => body[name] !== undefined).map((name) => [name, body[name]] as const);
  const whole = Buffer.from(JSON.stringify(Object.fromEntries(given)));
  if (whole.length <= maxViewBytes) return whole;
  return Buffer.from(JSON.stringify(Object.fromEntries(given.filter(([name]) => !long.includes(name)))));
}

/** A response that has no answer yet, or that failed. One that has its answer is that. */
export function toResponse(job: Job): object {
  const view = JSON.parse(Buffer.from(job.view).toString()) as Record<string, unknown>;
  const { error, state } = job;
  const isCancelled = error?.code === "cancelled";
  return {
    id: `resp_${job.requestId}`,
    object: "response",
    created_at: Number(job.createdUnixMs / 1_000n),
    status: isCancelled ? "cancelled" : (statusOf[state] ?? "in_progress"),
    background: true,
    error: error === undefined || isCancelled ? null : { code: error.code, message: error.message },
    incomplete_details: null,
    instructions: null,
    max_output_tokens: null,
    model: job.model,
    output: [],
    parallel_tool_calls: true,
    previous_response_id: null,
    reasoning: { effort: null, summary: null },
    store: true,
    temperature: 1,
    text: { format: { type: "text" } },
    tool_choice: "auto",
    tools: [],
    top_p: 1,
    truncation: "disabled",
    usage: null,
    user: null,
    metadata: {},
    ...view,
  };
}
