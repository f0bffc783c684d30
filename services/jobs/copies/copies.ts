import { create } from "@bufbuild/protobuf";
import { ThroughlineError } from "../../../shared/errors/error.ts";
import { fromWireError } from "../../../shared/errors/wire.ts";
import { Module } from "../../../shared/gen/throughline/common/v1/common_pb.ts";
import { JobState } from "../../../shared/gen/throughline/jobs/v1/jobs_pb.ts";
import { JobAction, JobStepSchema } from "../../../shared/gen/throughline/provider/v1/provider_pb.ts";
import type { JobsContext } from "../context.ts";
import {
  type CopyRow,
  claimCopies,
  giveUpCopy,
  holdCopy,
  jobOfCopy,
  noteCopied,
  retryCopy,
  wantCopy,
} from "../db/copies.ts";
import type { JobRow } from "../db/job-row.ts";
import { openWriter } from "../objects/writer.ts";
import { contextOf, itemOf } from "../runner/ask.ts";
import { type Pool, startPool } from "../runner/pool.ts";

const leaseMs = 30_000;
const holdEveryMs = 10_000;
const copyTimeoutMs = 30 * 60_000;
const pauseMs = 2_000;
/** Copies that run at the same moment in one process; each has a piece in memory. */
const atOnce = 4;
const mostTries = 8;
const retries = { firstMs: 1_000, mostMs: 10 * 60_000 };

/** Notes that the result of a job is to be copied, where there is a place for copies. A repeat is fine. */
export async function wantResultCopy({ db, config }: Pick<JobsContext, "db" | "config">, row: JobRow): Promise<void> {
  const isWanted = config.objects.place.kind !== "database" && row.module === Module.VIDEO;
  if (isWanted && row.state === JobState.SUCCEEDED) await wantCopy(db, row.request_id);
}

/**
 * Copies results of vendors to our own place, beside all else: until a copy is whole, and where none is made, the result is given
 * from its vendor. Each is leased to one worker; what fails is tried again, eight times in all.
 */
export function startCopies(context: JobsContext): Pool {
  const { db, log } = context;
  return startPool(log, {
    atOnce,
    async take(room) {
      const rows = await claimCopies(db, room, leaseMs);
      return { steps: rows.map((row) => () => advance(row)), pauseMs: rows.length === room ? 0 : pauseMs };
    },
  });

  async function advance(row: CopyRow): Promise<void> {
    try {
      await copyResult(context, row);
    } catch (error) {
      const about = { err: error, request_id: row.request_id.toString(), tries: row.tries };
      const isLast = row.tries >= mostTries || ThroughlineError.from(error).code === "request_too_large";
      log.warn(
        about,
        isLast ? "a result stays with its vendor alone" : "a result could not be copied; it is tried again",
      );
      const inMs = Math.min(retries.mostMs, retries.firstMs * 4 ** (row.tries - 1));
      await (isLast ? giveUpCopy(db, row) : retryCopy(db, row, inMs)).catch(() => undefined);
    }
  }
}

async function copyResult(context: JobsContext, copy: CopyRow): Promise<void> {
  const { db, objects, config } = context;
  const row = await jobOfCopy(db, copy.request_id);
  if (row === undefined) return giveUpCopy(db, copy);
  const object = { id: row.request_id, accountId: row.account_id };
  const whole = await objects.find(object).catch(() => undefined);
  const { bytes, type } = whole === undefined ? await fetchResult(context, row, copy) : kept(whole);
  await noteCopied(db, copy, { bytes, type, lifeMs: config.retentionMs });
}

function kept({ bytes, content_type: type }: { readonly bytes: bigint; readonly content_type: string }) {
  return { bytes: Number(bytes), type };
}

/** Reads the result from its vendor, as fast as the place takes it. */
async function fetchResult(
  { provider, objects, config, db }: JobsContext,
  row: JobRow,
  copy: CopyRow,
): Promise<{ readonly bytes: number; readonly type: string }> {
  const item = itemOf(row);
  const candidate = item.candidates[row.candidate ?? 0];
  const { vendor_job_id: vendorJobId, locator } = row;
  const stream = provider.invoke.open(
    {
      ...item,
      facts: undefined,
      stream: false,
      candidates: candidate === undefined ? [] : [candidate],
      job: create(JobStepSchema, { action: JobAction.CONTENT, vendorJobId, locator, variant: "video" }),
    },
    {
      requestId: row.request_id,
      traceparent: contextOf(row),
      timeoutMs: copyTimeoutMs,
      frameBytes: (frame) => frame.data.length,
    },
  );
  try {
    const frames = stream[Symbol.asyncIterator]();
    let frame = await frames.next();
    const type = frame.done === true ? "" : (frame.value.head?.contentType ?? "");
    const object = { id: row.request_id, accountId: row.account_id, contentType: type || "application/octet-stream" };
    const writer = await openWriter(objects, object);
    let bytes = 0;
    let heldAtMs = performance.now();
    for (; frame.done !== true; frame = await frames.next()) {
      bytes += frame.value.data.length;
      if (bytes > config.objects.copyBytes) throw new ThroughlineError("request_too_large", "The result is too large.");
      await writer.write(frame.value.data);
      if (performance.now() - heldAtMs < holdEveryMs) continue;
      if (!(await holdCopy(db, copy, leaseMs))) throw new Error("another worker copies the result");
      heldAtMs = performance.now();
    }
    const outcome = await stream.outcome;
    if (outcome.error !== undefined) throw fromWireError(outcome.error);
    await writer.finish(config.retentionMs);
    return { bytes, type: object.contentType };
  } catch (error) {
    stream.cancel();
    throw error;
  }
}
