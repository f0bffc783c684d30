import type { MessageInitShape } from "@bufbuild/protobuf";
import { JobAction, type JobStepSchema } from "../../../shared/gen/throughline/provider/v1/provider_pb.ts";
import { noteToldCounts } from "../db/batch-work.ts";
import { msUntil } from "../db/job-row.ts";
import { vendorPhases } from "../db/vendor-batches.ts";
import { type Answered, askVendor, stepItem } from "./ask-vendor.ts";
import { pollMs } from "./create-batch.ts";
import { endAll } from "./end-lines.ts";
import { toOwnWorkers } from "./give-back.ts";
import { type Held, isGivenUp, isOver, noteStep } from "./held.ts";

/** A channel that is not there so often, some minutes in all, is gone. */
const mostLooks = 10;
/** Less than a lease. */
const pollTimeoutMs = 8_000;

const forgotten = { code: "expired", message: "The upstream knows nothing of the batch any more." };
const removed = { code: "expired", message: "The channel of the batch was removed, and nothing leads to it any more." };
const givenUp = { code: "expired", message: "The upstream did not end the batch in its time." };

/** Asks how far a batch is, and passes on to the vendor that somebody wants its end or that its time is over. */
export async function followBatch(held: Held): Promise<void> {
  const { context, row } = held;
  const isToEnd = row.cancel_requested || isOver(held);
  const cancelled = isToEnd && !row.cancel_sent ? await step(held, JobAction.BATCH_CANCEL) : undefined;
  const { report, error, isLost } =
    cancelled?.report?.state === "ended" ? cancelled : await step(held, JobAction.BATCH_POLL);
  context.metrics.jobPoll(report === undefined ? "failed" : "answered");
  if (report?.counts !== undefined) await noteToldCounts(context.db, row.batch_id, report.counts);
  const cancelSent = row.cancel_sent || cancelled?.report !== undefined;
  if (report?.state === "ended") {
    const { files = [], isLate = false } = report;
    await noteStep(held, { phase: vendorPhases.reading, files, isLate, cancelSent, failures: 0, inMs: 0 });
    return;
  }
  if (report?.state === "refused") {
    const log = { request_id: row.batch_id.toString(), channel: row.channel, reason: report.message };
    context.log.warn(log, "a vendor found fault with a batch before it ran it");
    return toOwnWorkers(held, "its vendor found fault with it");
  }
  // A configuration that is being changed may bring the channel back.
  const isGone = isLost && row.failures >= mostLooks;
  if (report?.state === "forgotten" || isGone || isGivenUp(held)) {
    await endAll(held, isGone ? removed : report?.state === "forgotten" ? forgotten : givenUp);
    await noteStep(held, { phase: vendorPhases.cleaning, inMs: 0 });
    return;
  }
  if (report?.state === "unknown" || (error !== undefined && row.failures === 0)) {
    const log = { request_id: row.batch_id.toString(), channel: row.channel, word: report?.word, code: error?.code };
    context.log.warn(log, "what a vendor says of a batch is not known");
  }
  const failures = report === undefined ? row.failures + 1 : 0;
  const polls = row.polls + 1;
  const untilOverMs = msUntil(row.deadline_at, row);
  const inMs = pollMs(held, polls, failures);
  await noteStep(held, { polls, failures, cancelSent, inMs: untilOverMs > 0 ? Math.min(inMs, untilOverMs) : inMs });
}

function step({ context, row, known }: Held, action: JobAction): Promise<Answered> {
  const [route] = known.routes.values();
  if (route === undefined) throw new Error("a batch has no route");
  const job: MessageInitShape<typeof JobStepSchema> = { action, vendorJobId: row.vendor_id, locator: row.locator };
  const asker = { requestId: row.batch_id, traceparent: row.traceparent, timeoutMs: pollTimeoutMs };
  return askVendor(context, stepItem(route, row.channel, job), asker);
}
