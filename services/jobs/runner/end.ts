import { create, fromBinary } from "@bufbuild/protobuf";
import {
  baseRecord,
  type ClosingEnding,
  type ClosingRequest,
  finalRecord,
  settleItem,
} from "../../../shared/closing/index.ts";
import type { Settlement } from "../../../shared/gen/throughline/billing/v1/billing_pb.ts";
import { UsageSchema } from "../../../shared/gen/throughline/common/v1/common_pb.ts";
import {
  type Record,
  type RecordStatus,
  TimelineEventSchema,
} from "../../../shared/gen/throughline/history/v1/history_pb.ts";
import { JobState } from "../../../shared/gen/throughline/jobs/v1/jobs_pb.ts";
import {
  type Outcome,
  OutcomeSchema,
  RequestFactsSchema,
} from "../../../shared/gen/throughline/provider/v1/provider_pb.ts";
import type { JobReport } from "../../../shared/job-report.ts";
import { moduleNameOf } from "../../../shared/modules.ts";
import { jobsSpans } from "../../../shared/telemetry/index.ts";
import type { JobsContext } from "../context.ts";
import { wantResultCopy } from "../copies/copies.ts";
import { type End, noteClosed } from "../db/advance.ts";
import { type JobRow, kinds } from "../db/job-row.ts";
import { readKeptError } from "../db/kept-error.ts";
import type { Decision, RunningState } from "../domain/after-report.ts";
import { announceEnd } from "../webhooks/announce.ts";
import { aboutJob, contextOf, itemOf } from "./ask.ts";
import { type RecordedAnswer, recordedAnswer } from "./recorded-answer.ts";

/** How long a worker has a job to itself. A worker that was killed is followed by another after this time. */
export const leaseMs = 12_000;
/**
 * How long a worker whose lease is over may say that it lives, before another judges by the row what became of what cannot
 * be repeated. A lease is extended three times in its life.
 */
export const doubtMs = 8_000;
const callTimeoutMs = 8_000;

/** The contract's state of a job that goes on. */
export function stateOf(state: RunningState): JobState {
  return state === "queueing" ? JobState.QUEUEING : JobState.PROCESSING;
}

/** The end that a decision means. */
export function endedBy(requestId: bigint, decision: Exclude<Decision, { kind: "goes_on" }>, report: JobReport): End {
  const failed = decision.kind === "failed";
  return {
    requestId,
    state: failed ? JobState.FAILED : JobState.SUCCEEDED,
    error: failed ? { code: decision.code, message: decision.message } : undefined,
    locator: report.locator,
    resultMs: Math.round((report.seconds ?? 0) * 1_000),
    size: report.size ?? "",
    expiresUnixMs: Math.round(report.expiresUnixMs ?? 0),
  };
}

/**
 * Tells, settles and records a job that has ended. All three are idempotent by request ID, and the row says until then that they are to be
 * done: together they are done once, whoever dies in between. Throws what kept it from being done.
 */
export async function close(context: JobsContext, row: JobRow): Promise<void> {
  const { billing, history, db } = context;
  await announceEnd(context, row);
  const request = closingRequest(row);
  const ending = closingEnding(row);
  const answer = await recordedAnswer(context, row, ending.outcome);
  const options = { requestId: row.request_id, traceparent: contextOf(row), timeoutMs: callTimeoutMs };
  const settlement = await billing.settle.call(settleItem(request, ending), options);
  await history.record.call({ record: finalOf(row, request, ending, { settlement, answer }) }, options);
  await wantResultCopy(context, row);
  await noteClosed(db, row.request_id);
  context.metrics.jobEnded(moduleNameOf(request.module), row.error_code ?? "success");
  tellSpan(context, row, request);
}

/** Codes of ends that are nobody's fault: the rules on content, and an end that was asked for. */
const faultless: ReadonlySet<string> = new Set(["content_filtered", "cancelled"]);

function tellSpan({ tracing }: JobsContext, row: JobRow, { module, requestedModel, candidates }: ClosingRequest): void {
  const { error_code: code, error_message: message } = row;
  jobsSpans(tracing).job({
    call: { requestId: row.request_id, traceparent: row.traceparent },
    module: moduleNameOf(module),
    model: requestedModel,
    channel: row.candidate === null ? "" : (candidates[row.candidate]?.channel ?? ""),
    vendorJobId: row.vendor_job_id,
    polls: row.polls,
    outcome: code ?? "success",
    message: message ?? "",
    isFault: code !== null && !faultless.has(code) && (readKeptError(row)?.httpStatus ?? 0) >= 500,
    startUnixMs: row.created_at.getTime(),
    events: row.events,
  });
}

/** Tells history how far a job is. It is told of the end in any case, so nobody waits for this. */
export async function recordState({ history, log }: JobsContext, row: JobRow): Promise<void> {
  const record = baseRecord(closingRequest(row));
  record.status = row.state as number as RecordStatus;
  // Nobody has taken a call that waits, and who takes one that runs is not known before its end.
  const isVendors = row.kind === kinds.vendor;
  const candidate = isVendors ? itemOf(row).candidates[row.candidate ?? 0] : undefined;
  record.channel = candidate?.channel ?? "";
  record.platform = candidate?.platform ?? "";
  if (row.vendor_job_id !== "") record.aliases = [...record.aliases, row.vendor_job_id];
  const options = { requestId: row.request_id, traceparent: contextOf(row), timeoutMs: callTimeoutMs };
  await history.record.call({ record }, options).catch((error: unknown) => {
    log.warn({ err: error, ...aboutJob(row) }, "the state of a job could not be recorded");
  });
}

function closingRequest(row: JobRow): ClosingRequest {
  const item = itemOf(row);
  const { facts = create(RequestFactsSchema) } = item;
  return {
    requestId: row.request_id,
    facts,
    dialect: item.dialect,
    module: item.module,
    requestedModel: item.model,
    stream: false,
    storeResponse: item.storeResponse,
    candidates: item.candidates,
  };
}

function closingEnding(row: JobRow): ClosingEnding {
  const failed = readKeptError(row);
  const outcome = outcomeOf(row);
  return {
    outcome,
    error: failed,
    gone: false,
    lost: false,
    pieces: failed === undefined || isBrokenOff(row, outcome) ? 1 : 0,
    channel: "",
    inputTokens: Number(itemOf(row).estimatedInputTokens),
  };
}

/**
 * A job that failed has delivered nothing, whatever its vendor began. But whoever has an answer broken off that has begun pays
 * for it, as on a connection.
 */
function isBrokenOff({ kind, error_code }: JobRow, outcome: Outcome): boolean {
  return kind === kinds.call && error_code === "cancelled" && outcome.firstByte;
}

/** The start's attempts with what the end is charged by. */
function outcomeOf(row: JobRow): Outcome {
  const started = row.started === null ? create(OutcomeSchema) : fromBinary(OutcomeSchema, row.started);
  if (row.usage !== null) started.usage = fromBinary(UsageSchema, row.usage);
  started.candidate = row.candidate ?? 0;
  return started;
}

function finalOf(
  row: JobRow,
  request: ClosingRequest,
  ending: ClosingEnding,
  { settlement, answer }: { settlement: Settlement; answer: RecordedAnswer },
): Record {
  const endedMs = (row.ended_at ?? new Date()).getTime();
  const record = finalRecord(
    request,
    ending,
    {
      firstByteUs: 0n,
      durationUs: BigInt(Math.max(0, endedMs - row.created_at.getTime())) * 1_000n,
      timeline: row.events.map(([name, atMs]) =>
        create(TimelineEventSchema, { name, atUs: BigInt(Math.max(0, Math.round(atMs))) * 1_000n }),
      ),
      ...answer,
      notes:
        row.cancel_requested && row.error_code === null ? ["The end of the job was asked for; it came first."] : [],
    },
    settlement,
  );
  if (row.input !== null && row.error_code === null && !row.deleted) record.input = row.input;
  // By this ID operators find the job at its vendor; the ID of the HTTP call stands at the attempt.
  if (row.vendor_job_id !== "") record.upstreamRequestId = row.vendor_job_id;
  return record;
}
