import { toBinary } from "@bufbuild/protobuf";
import { ThroughlineError } from "../../../shared/errors/error.ts";
import { fromWireError } from "../../../shared/errors/wire.ts";
import type { Module } from "../../../shared/gen/throughline/common/v1/common_pb.ts";
import { JobState } from "../../../shared/gen/throughline/jobs/v1/jobs_pb.ts";
import { type Outcome, OutcomeSchema } from "../../../shared/gen/throughline/provider/v1/provider_pb.ts";
import { moduleNameOf } from "../../../shared/modules.ts";
import { persistently } from "../../../shared/persistently.ts";
import type { JobsContext } from "../context.ts";
import { type CallResult, type End, noteEnd } from "../db/advance.ts";
import { isResultOf, releaseCall } from "../db/calls.ts";
import { type JobRow, msUntil } from "../db/job-row.ts";
import { type KeptError, keptError } from "../db/kept-error.ts";
import { endBeforeCall, endOfLost, endOfStopped } from "../domain/call-fate.ts";
import { keepResult } from "../results/keep.ts";
import { uploadOf } from "../results/upload.ts";
import { aboutJob, contextOf, itemOf } from "./ask.ts";
import { recordState } from "./end.ts";

/** A call that a worker makes. */
export interface Call {
  readonly requestId: bigint;
  /** Which run of it this is. */
  readonly run: number;
  readonly accountId: bigint;
  /** Why it is to stop: somebody wants its end, another worker has it, or this process stops. */
  stop: "cancelled" | "lost" | "given_back" | undefined;
  /** Stops it. */
  onStop: (() => void) | undefined;
}

/** What came of a call. */
interface Made {
  readonly outcome: Outcome | undefined;
  readonly error: ThroughlineError | undefined;
  readonly result: CallResult | undefined;
}

/** A call whose provider was lost is made once more after this. */
const repeatMs = 1_000;

/**
 * Makes an own call that this worker has taken, keeps its answer and notes its end; or notes at once that it ends without. A
 * call that another worker has meanwhile is left to that one.
 */
export async function carryOut(context: JobsContext, row: JobRow, call: Call): Promise<void> {
  const startedMs = performance.now();
  const leftMs = msUntil(row.deadline_at, row);
  const isOver = leftMs <= 0;
  const module = moduleNameOf(row.module as Module);
  const taken = { module, runs: row.runs, cancelRequested: row.cancel_requested, isOver };
  const unanswered = endBeforeCall(taken);
  if (unanswered !== undefined) return end(context, row, unanswered, undefined);
  void recordState(context, row);
  const made = await make(context, row, call);
  const { outcome, error, result } = made;
  if (call.stop === "lost") return forget(context, row, result);
  if (error === undefined && outcome !== undefined && result !== undefined) {
    // It was paid for: it waits for PostgreSQL for as long as the call is this worker's.
    const isNoted = await persistently(() => noteEnd(context.db, succeeded(row, outcome, result)));
    return isNoted || (await isResultOf(context.db, row.request_id, result))
      ? await letGo(context, row)
      : await forget(context, row, result);
  }
  await forget(context, row, result);
  if (call.stop === "given_back") return releaseCall(context.db, call, 0);
  const isLate = performance.now() - startedMs >= leftMs;
  if (call.stop === "cancelled" || isLate) {
    return end(context, row, endOfStopped(call.stop === "cancelled" ? "cancelled" : "expired"), outcome);
  }
  if (outcome !== undefined && error !== undefined) return end(context, row, keptError(error), outcome);
  const lost = endOfLost(taken);
  if (lost !== undefined) return end(context, row, lost, outcome);
  await releaseCall(context.db, call, repeatMs);
}

/** Has the provider make the call, and keeps what it answers as it comes. Never throws what the call ends with. */
async function make(context: JobsContext, row: JobRow, call: Call): Promise<Made> {
  const { provider, objects, config } = context;
  const item = itemOf(row);
  const stream = provider.invoke.open(
    // Settlement and record are ours to make, so the provider is given no facts.
    {
      ...item,
      body: row.body ?? new Uint8Array(),
      facts: undefined,
      elapsedUs: BigInt(Math.max(0, Date.now() - row.created_at.getTime())) * 1_000n,
    },
    {
      requestId: row.request_id,
      traceparent: contextOf(row),
      timeoutMs: Math.max(1, msUntil(row.deadline_at, row)),
      frameBytes: (frame) => frame.data.length,
      body: uploadOf(objects, { id: row.upload, accountId: row.account_id }, Number(item.bodyLength)),
    },
  );
  call.onStop = () => stream.cancel();
  if (call.stop !== undefined) stream.cancel();
  let result: CallResult | undefined;
  let error: ThroughlineError | undefined;
  try {
    result = await keepResult(objects, { accountId: row.account_id, lifeMs: config.retentionMs }, stream);
  } catch (thrown) {
    error = ThroughlineError.from(thrown);
    stream.cancel();
  }
  const outcome = await stream.outcome.catch((thrown: unknown) => {
    error ??= ThroughlineError.from(thrown);
    return undefined;
  });
  if (outcome?.error !== undefined) error = fromWireError(outcome.error);
  // It was stopped in the middle, so what came is not the answer.
  if (outcome?.cancelled === true) error ??= new ThroughlineError("upstream_timeout", "The call was stopped.");
  return { outcome, error, result };
}

async function end(context: JobsContext, row: JobRow, error: KeptError, outcome: Outcome | undefined): Promise<void> {
  const ended: End = {
    requestId: row.request_id,
    run: row.runs,
    state: JobState.FAILED,
    error,
    ...startedBy(outcome),
    resultMs: 0,
    size: "",
    expiresUnixMs: 0,
  };
  await persistently(() => noteEnd(context.db, ended));
  await letGo(context, row);
}

function succeeded(row: JobRow, outcome: Outcome, result: CallResult) {
  return {
    requestId: row.request_id,
    run: row.runs,
    state: JobState.SUCCEEDED,
    ...startedBy(outcome),
    resultMs: 0,
    size: "",
    expiresUnixMs: 0,
    result,
  };
}

function startedBy(outcome: Outcome | undefined) {
  return {
    started: outcome === undefined ? undefined : toBinary(OutcomeSchema, outcome),
    candidate: outcome?.candidate,
  };
}

/** The bytes of its form are of no use any more. */
async function letGo(context: JobsContext, row: JobRow): Promise<void> {
  if (row.upload !== 0n) await remove(context, row, row.upload);
}

/** What another end has come before, or what broke off, counts for nothing. */
async function forget(context: JobsContext, row: JobRow, result: CallResult | undefined): Promise<void> {
  if (result?.object !== undefined) await remove(context, row, result.object);
}

async function remove({ objects, log }: JobsContext, row: JobRow, id: bigint): Promise<void> {
  await objects.remove({ id, accountId: row.account_id }).catch((error: unknown) => {
    log.warn({ err: error, ...aboutJob(row) }, "an object of a job could not be removed");
  });
}
