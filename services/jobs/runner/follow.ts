import type { ErrorCode } from "../../../shared/errors/catalogue.ts";
import { JobState } from "../../../shared/gen/throughline/jobs/v1/jobs_pb.ts";
import { JobAction } from "../../../shared/gen/throughline/provider/v1/provider_pb.ts";
import type { JobsContext } from "../context.ts";
import { noteEnd } from "../db/advance.ts";
import { type JobRow, msUntil } from "../db/job-row.ts";
import { afterReport } from "../domain/after-report.ts";
import { type Asked, ask } from "./ask.ts";
import { chargedBy } from "./charged-by.ts";
import { endedBy } from "./end.ts";
import { beforeReport, followedItem, goOn, pollTimeoutMs } from "./go-on.ts";
import { awaitMoment, keepPace, type Leave } from "./pace.ts";

/** Asks after a job that a vendor has, and notes what came of it. */
export async function follow(context: JobsContext, row: JobRow, leave: Leave): Promise<void> {
  const { db } = context;
  if (!(await awaitMoment(context, [row], leave))) return;
  const isOver = msUntil(row.deadline_at, row) <= 0;
  const givenUp = row.cancel_requested || isOver ? await step(context, row, JobAction.CANCEL) : undefined;
  // A vendor may forget a job that it has given up, so its answer to the cancellation counts.
  const asked = hasEnded(givenUp) ? givenUp : await step(context, row, JobAction.POLL);
  await keepPace(context, leave, asked);
  const { report, outcome } = asked;
  context.metrics.jobPoll(report === undefined ? "failed" : "answered");
  const before = beforeReport(row);
  const decision = report === undefined ? undefined : afterReport(before, report);
  const isOurEnd = isOver && !row.cancel_requested && report?.failure?.code === "cancelled";
  if (report !== undefined && decision !== undefined && decision.kind !== "goes_on" && !isOurEnd) {
    const usage = decision.kind === "succeeded" ? chargedBy(row.usage, outcome?.usage) : undefined;
    await noteEnd(db, { ...endedBy(row.request_id, decision, report), usage });
    return;
  }
  if (outcome?.jobLost === true && (isOver || row.cancel_requested || isLostForLong(context, row))) {
    await noteEnd(db, failed(row, "upstream_outcome_unknown", lost));
    return;
  }
  if (isOver) {
    await noteEnd(db, failed(row, "expired", "The job did not end within its time."));
    return;
  }
  await goOn(context, row, asked);
}

const lost = "The channel that has the job was removed, so it is not known how the job ended.";

/** A channel may be away for a moment only: its configuration is being changed, or a provider has not learnt of it yet. */
function isLostForLong({ config }: JobsContext, row: JobRow): boolean {
  const { trouble, trouble_at: since } = row;
  return trouble === "channel_removed" && since !== null && -msUntil(since, row) >= config.channelGraceMs;
}

function hasEnded(asked: Asked | undefined): asked is Asked {
  return asked?.report?.state === "failed" || asked?.report?.state === "succeeded";
}

function step(context: JobsContext, row: JobRow, action: JobAction): Promise<Asked> {
  const { vendor_job_id: vendorJobId, locator } = row;
  const question = { row, item: followedItem(row), step: { action, vendorJobId, locator }, timeoutMs: pollTimeoutMs };
  return ask(context, question);
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
