import type { ErrorCode } from "../../../shared/errors/catalogue.ts";
import { JobState } from "../../../shared/gen/throughline/jobs/v1/jobs_pb.ts";
import { type InvokeItem, JobAction } from "../../../shared/gen/throughline/provider/v1/provider_pb.ts";
import type { JobsContext } from "../context.ts";
import { noteEnd, noteFollowed } from "../db/advance.ts";
import type { JobRow } from "../db/job-row.ts";
import { afterReport, type RunningState } from "../domain/after-report.ts";
import { nextPollMs } from "../domain/poll-pace.ts";
import { type Asked, ask, itemOf } from "./ask.ts";
import { pollPace } from "./begin.ts";
import { chargedBy } from "./charged-by.ts";
import { endedBy, recordState, stateOf } from "./end.ts";

/** Less than a lease: who asks has the job to itself until the answer. */
const pollTimeoutMs = 8_000;

/** Asks after a job that a vendor has, and notes what came of it. */
export async function follow(context: JobsContext, row: JobRow): Promise<void> {
  const { db, config, random, log } = context;
  const isOver = row.deadline_at.getTime() <= Date.now();
  const givenUp = row.cancel_requested || isOver ? await step(context, row, JobAction.CANCEL) : undefined;
  // Of a job that it has given up a vendor may know nothing any more, so what it said to that counts.
  const { report, outcome, error } = hasEnded(givenUp) ? givenUp : await step(context, row, JobAction.POLL);
  context.metrics.jobPoll(report === undefined ? "failed" : "answered");
  const before = {
    state: runningState(row),
    progressPercent: row.progress,
    cancelRequested: row.cancel_requested,
  };
  const decision = report === undefined ? { kind: "goes_on" as const, ...before } : afterReport(before, report);
  const isOurEnd = isOver && !row.cancel_requested && report?.failure?.code === "cancelled";
  if (report !== undefined && decision.kind !== "goes_on" && !isOurEnd) {
    const usage = decision.kind === "succeeded" ? chargedBy(row.usage, outcome?.usage) : undefined;
    await noteEnd(db, { ...endedBy(row.request_id, decision, report), usage });
    return;
  }
  if (isOver) {
    await noteEnd(db, failed(row, "expired", "The job did not end within its time."));
    return;
  }
  if (decision.kind !== "goes_on") return;
  if (report?.state === "unknown") {
    log.warn(
      { request_id: row.request_id.toString(), word: report.word },
      "an upstream has a word for a job that is not known",
    );
  }
  if (error !== undefined && row.failed_polls === 0) {
    log.warn({ request_id: row.request_id.toString(), code: error.code }, "an upstream could not be asked after a job");
  }
  const state = stateOf(decision.state);
  const failedPolls = report === undefined ? row.failed_polls + 1 : 0;
  await noteFollowed(db, {
    requestId: row.request_id,
    state,
    progress: decision.progressPercent,
    locator: report?.locator ?? row.locator,
    wakeInMs: Math.min(
      nextPollMs({ polls: row.polls + 1, failedPolls }, pollPace(config, row.poll_floor_ms), random()),
      Math.max(0, row.deadline_at.getTime() - Date.now()),
    ),
    failed: report === undefined,
    event: state === row.state ? "" : decision.state,
  });
  if (state !== row.state) await recordState(context, { ...row, state });
}

function hasEnded(asked: Asked | undefined): asked is Asked {
  return asked?.report?.state === "failed" || asked?.report?.state === "succeeded";
}

function runningState({ state }: JobRow): RunningState {
  return state === JobState.PROCESSING ? "processing" : "queueing";
}

function step(context: JobsContext, row: JobRow, action: JobAction): Promise<Asked> {
  const { vendor_job_id: vendorJobId, locator } = row;
  return ask(context, row, followed(row), { action, vendorJobId, locator }, pollTimeoutMs);
}

/** Of the candidates the one that has the job. */
function followed(row: JobRow): InvokeItem {
  const item = itemOf(row);
  const candidate = item.candidates[row.candidate ?? 0];
  return { ...item, candidates: candidate === undefined ? [] : [candidate] };
}

function failed(row: JobRow, code: ErrorCode, message: string) {
  return {
    requestId: row.request_id,
    state: JobState.FAILED,
    error: { code, message },
    resultMs: 0,
    size: "",
    expiresUnixMs: 0,
  };
}
