import { createHash } from "node:crypto";
import { create, toBinary } from "@bufbuild/protobuf";
import { ThroughlineError } from "../../../shared/errors/error.ts";
import { UsageSchema } from "../../../shared/gen/throughline/common/v1/common_pb.ts";
import { JobState } from "../../../shared/gen/throughline/jobs/v1/jobs_pb.ts";
import { JobAction, type Outcome, OutcomeSchema } from "../../../shared/gen/throughline/provider/v1/provider_pb.ts";
import type { JobReport } from "../../../shared/job-report.ts";
import { persistently } from "../../../shared/persistently.ts";
import { wasUnsent } from "../../../shared/rpc/index.ts";
import type { JobsContext } from "../context.ts";
import { extendStart, noteBegun, noteEnd } from "../db/advance.ts";
import type { JobRow } from "../db/job-row.ts";
import { keptError } from "../db/kept-error.ts";
import { afterReport } from "../domain/after-report.ts";
import { nextPollMs } from "../domain/poll-pace.ts";
import { aboutJob, ask, itemOf } from "./ask.ts";
import { endedBy, recordState, stateOf } from "./end.ts";

/** Longest time that a vendor may take to say that it has a job: some read an image of some megabytes first. */
export const startTimeoutMs = 60_000;
/** A start that its process has not held for so long was lost with it. */
export const startLeaseMs = 12_000;

const lost = "The upstream's answer was lost, so it is not known whether it began the job.";

/**
 * Asks the vendors to begin a job and notes what came of it. It is asked once: who finds a start that was left in the middle
 * ends it (`endLostStart`). What came of it is noted as soon as PostgreSQL takes it: a vendor that has the job is not asked
 * again. The row may be ended, settled and recorded behind this.
 */
export async function begin(context: JobsContext, row: JobRow): Promise<void> {
  const { db, config, random } = context;
  const item = itemOf(row);
  const asked = await ask(context, {
    row,
    item: { ...item, body: row.body ?? new Uint8Array() },
    // A job that goes on from an earlier one names that one.
    step: { ...(item.job ?? { action: JobAction.START }), callbackUrl: context.callbacks.urlFor(row.request_id) },
    timeoutMs: startTimeoutMs,
  });
  const { report, outcome } = asked;
  if (report === undefined || outcome === undefined) {
    await persistently(() => noteEnd(db, failedStart(row, asked.error, outcome)));
    return;
  }
  const decision = afterReport({ state: "queueing", progressPercent: 0, cancelRequested: false, misses: 0 }, report);
  const started = toBinary(OutcomeSchema, { ...outcome, response: new Uint8Array() });
  const usage = toBinary(UsageSchema, outcome.usage ?? create(UsageSchema, { estimated: true }));
  if (decision.kind !== "goes_on") {
    const ended = { ...endedBy(row.request_id, decision, report), started, usage, candidate: outcome.candidate };
    await persistently(() => noteEnd(db, ended));
    return;
  }
  const state = stateOf(decision.state);
  const progress = {
    requestId: row.request_id,
    state,
    progress: decision.progressPercent,
    locator: report.locator ?? "",
    wakeInMs: nextPollMs({ polls: 0, failedPolls: 0 }, pollPace(config, report.pollFloorMs), random()),
    event: decision.state,
  };
  const vendor = {
    ...{ candidate: outcome.candidate, vendorJobId: report.vendorJobId, started, usage },
    pollFloorMs: report.pollFloorMs ?? 0,
    pollGroup: pollGroupOf(item.candidates[outcome.candidate]?.channel ?? "", report),
    pollTogether: report.pollTogether ?? 0,
  };
  await persistently(() => noteBegun(db, progress, vendor));
  await recordState(context, { ...row, state, started: Buffer.from(started), candidate: outcome.candidate });
}

/** Jobs that one question may be about are those of which the start noted the same: the channel, its credential, the place. */
function pollGroupOf(channel: string, { pollTogether = 1, locator = "" }: JobReport): string {
  if (pollTogether < 2) return "";
  return createHash("sha256").update(`${channel}\n${locator}`).digest("base64url");
}

/** Holds a start while it is under way, so that nobody takes it for lost before this process is. */
export async function holdStart(
  { db, log }: JobsContext,
  requestId: bigint,
  start: () => Promise<void>,
): Promise<void> {
  const timer = setInterval(() => {
    extendStart(db, requestId, startLeaseMs).catch((error: unknown) => {
      log.warn(
        { err: error, request_id: requestId.toString() },
        "the start of a job could not be held; it is tried again",
      );
    });
  }, startLeaseMs / 4);
  try {
    await start();
  } finally {
    clearInterval(timer);
  }
}

/** How often its vendor is asked after a job. */
export function pollPace({ firstPollMs, maxPollMs }: JobsContext["config"], floorMs = 0) {
  return { firstMs: firstPollMs, maxMs: maxPollMs, floorMs };
}

/** Its process died while a vendor was asked: nobody knows whether the job runs. */
export async function endLostStart(context: JobsContext, row: JobRow): Promise<void> {
  context.log.error(aboutJob(row), "the start of a job was lost with its process");
  await noteEnd(context.db, failedStart(row, undefined, undefined));
}

function failedStart(row: JobRow, error: ThroughlineError | undefined, outcome: Outcome | undefined) {
  // Without the provider's word nobody knows how far it came, unless it was never asked.
  const isKnown = outcome !== undefined || wasUnsent(error);
  const said = isKnown && error !== undefined ? error : unknown();
  return {
    requestId: row.request_id,
    state: JobState.FAILED,
    error: keptError(said),
    started: outcome === undefined ? undefined : toBinary(OutcomeSchema, { ...outcome, response: new Uint8Array() }),
    candidate: outcome?.candidate,
    resultMs: 0,
    size: "",
    expiresUnixMs: 0,
  };
}

function unknown(): ThroughlineError {
  return new ThroughlineError("upstream_outcome_unknown", lost);
}
