import { JobState } from "../../../shared/gen/throughline/jobs/v1/jobs_pb.ts";
import type { InvokeItem } from "../../../shared/gen/throughline/provider/v1/provider_pb.ts";
import type { JobsContext } from "../context.ts";
import { noteFollowed } from "../db/advance.ts";
import { type JobRow, msUntil } from "../db/job-row.ts";
import { afterReport, type Before } from "../domain/after-report.ts";
import { nextPollMs } from "../domain/poll-pace.ts";
import { type Asked, aboutJob, itemOf } from "./ask.ts";
import { pollPace } from "./begin.ts";
import { recordState, stateOf } from "./end.ts";

/** Less than a lease: who asks has the job to itself until the answer. */
export const pollTimeoutMs = 8_000;

/** The job's item with that one candidate which runs the job. */
export function followedItem(row: JobRow): InvokeItem {
  const item = itemOf(row);
  const candidate = item.candidates[row.candidate ?? 0];
  return { ...item, candidates: candidate === undefined ? [] : [candidate] };
}

/** What is known of a job before its vendor is asked. */
export function beforeReport({ state, progress, cancel_requested: cancelRequested, misses }: JobRow): Before {
  return {
    state: state === JobState.PROCESSING ? "processing" : "queueing",
    progressPercent: progress,
    cancelRequested,
    misses,
  };
}

/** Notes of a job that has not ended how far it is, and when it is asked after next. */
export async function goOn(context: JobsContext, row: JobRow, asked: Asked): Promise<void> {
  const { db, config, random, log } = context;
  const { report, outcome, error } = asked;
  const before = beforeReport(row);
  const decision = report === undefined ? { kind: "goes_on" as const, ...before } : afterReport(before, report);
  if (decision.kind !== "goes_on") return;
  const about = aboutJob(row);
  const trouble = troubleOf(asked);
  if (report?.state === "unknown") {
    log.warn({ ...about, word: report.word }, "an upstream has a word for a job that is not known");
  }
  if (error !== undefined && row.failed_polls === 0) {
    log.warn({ ...about, code: error.code }, "an upstream could not be asked after a job");
  }
  if (outcome?.jobLost === true && row.trouble !== trouble) {
    log.error(about, "the channel of a job was removed, and what was noted of it cannot be used");
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
      Math.max(0, msUntil(row.deadline_at, row)),
    ),
    failed: report === undefined,
    event: state === row.state ? "" : decision.state,
    trouble,
    misses: report?.forgotten === true ? row.misses + 1 : report === undefined ? row.misses : 0,
  });
  if (state !== row.state) await recordState(context, { ...row, state });
}

/** Why a question was not answered as it should be, for operators; empty: it was. */
function troubleOf({ report, outcome, error }: Asked): string {
  if (outcome?.jobLost === true) return "channel_removed";
  if (error !== undefined) return error.code;
  if (report?.forgotten === true) return "job_unknown";
  return report?.state === "unknown" ? "word_unknown" : "";
}
