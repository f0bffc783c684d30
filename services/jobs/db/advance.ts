import { statement } from "../../../shared/db/index.ts";
import type { KeptError } from "./kept-error.ts";
import type { JobsDatabase } from "./open.ts";

/** What a step has brought of a job that goes on. */
export interface Progress {
  readonly requestId: bigint;
  readonly state: number;
  readonly progress: number;
  readonly locator: string;
  /** Milliseconds until it is asked after again. */
  readonly wakeInMs: number;
  /** True: the vendor could not be asked. */
  readonly failed: boolean;
  /** Why the question was not answered as it should be; empty: it was. */
  readonly trouble: string;
  /** How often in a row its vendor has said that it does not know the job. */
  readonly misses: number;
  /** Empty: nothing that is worth a line happened. */
  readonly event: string;
}

/** SQL of the events with one more: an event is worth at most one entry, and a job has few of them. */
export const noted = (name: string) => `case when ${name} = '' or jsonb_array_length(events) >= 64 then events
  else events || jsonb_build_array(jsonb_build_array(${name}::text, floor(extract(epoch from now() - created_at) * 1000))) end`;

const hold = statement(
  "jobs_hold_start",
  `update jobs.job set wake_at = now() + $2 * interval '1 millisecond', misses = $3, lease_until = null
    where request_id = $1 and phase = 1 and kind = 1`,
);

/** Its process lives and has not brought its start to an end yet. */
export async function extendStart(db: JobsDatabase, requestId: bigint, leaseMs: number): Promise<void> {
  await db.query(hold, [requestId, leaseMs, 0]);
}

/** Nobody holds its start. A process that lives has so long to say so: PostgreSQL may have been away for both. */
export async function doubtStart(db: JobsDatabase, requestId: bigint, doubtMs: number): Promise<void> {
  await db.query(hold, [requestId, doubtMs, 1]);
}

const begun = statement(
  "jobs_begun",
  `update jobs.job set phase = 2, state = $2, progress = $3, locator = $4, body = null, lease_until = null, misses = 0,
     wake_at = now() + $5 * interval '1 millisecond', candidate = $6, vendor_job_id = $7, started = $8, usage = $9, poll_floor_ms = $11,
     poll_group = $12, poll_together = $13, asked_at = now(), events = ${noted("$10")}
   where request_id = $1 and phase = 1 returning request_id`,
);

/** A vendor has taken the job. False: it was ended meanwhile. */
export async function noteBegun(
  db: JobsDatabase,
  job: Omit<Progress, "failed" | "trouble" | "misses">,
  vendor: {
    readonly candidate: number;
    readonly vendorJobId: string;
    readonly started: Uint8Array;
    readonly usage: Uint8Array;
    /** Milliseconds that the vendor wants between two questions; 0: it has no such rule. */
    readonly pollFloorMs: number;
    /** Jobs with the same text may be asked after in one call; empty: the job is asked after alone. */
    readonly pollGroup: string;
    /** Most jobs of one question. */
    readonly pollTogether: number;
  },
): Promise<boolean> {
  const rows = await db.query(begun, [
    ...[job.requestId, job.state, job.progress, job.locator, job.wakeInMs],
    ...[vendor.candidate, vendor.vendorJobId, vendor.started, vendor.usage, job.event],
    ...[vendor.pollFloorMs, vendor.pollGroup, vendor.pollTogether],
  ]);
  return rows.length > 0;
}

const followed = statement(
  "jobs_followed",
  `update jobs.job set state = $2, progress = $3, locator = $4, lease_until = null,
     wake_at = now() + $5 * interval '1 millisecond', polls = polls + 1,
     asked_at = now(), paced_at = null, misses = $9, trouble = $8,
     trouble_at = case when $8 = '' then null when $8 = trouble then trouble_at else now() end,
     failed_polls = case when $6 then failed_polls + 1 else 0 end, events = ${noted("$7")}
   where request_id = $1 and phase = 2`,
);

/** The vendor was asked after a job that goes on. */
export async function noteFollowed(db: JobsDatabase, job: Progress): Promise<void> {
  await db.query(followed, [
    ...[job.requestId, job.state, job.progress, job.locator, job.wakeInMs, job.failed, job.event, job.trouble],
    job.misses,
  ]);
}

/** How a job ended. */
export interface End {
  readonly requestId: bigint;
  readonly state: number;
  /** Absent: it succeeded. */
  readonly error?: KeptError | undefined;
  /** What its end is charged by; absent: what its start said. */
  readonly usage?: Uint8Array | undefined;
  /** The outcome of its start, where it ends with it. */
  readonly started?: Uint8Array | undefined;
  readonly candidate?: number | undefined;
  readonly locator?: string | undefined;
  readonly resultMs: number;
  readonly size: string;
  /** 0: not known. */
  readonly expiresUnixMs: number;
  /** The answer of an own call that succeeded. */
  readonly result?: CallResult | undefined;
  /** Which run of an own call ended: one that another worker was given meanwhile ends nothing. Absent: whichever. */
  readonly run?: number | undefined;
}

/** The answer of an own call: in the row where it is short, else an object. */
export interface CallResult {
  readonly type: string;
  readonly bytes: number;
  readonly inRow?: Uint8Array | undefined;
  readonly object?: bigint | undefined;
}

const end = statement(
  "jobs_end",
  `update jobs.job set phase = 3, state = $2, progress = case when $3::text is null then 100 else progress end, body = null,
     error_code = $3, error_message = $4, error = $18, usage = coalesce($5, usage), started = coalesce($6, started),
     candidate = coalesce($7, candidate), locator = coalesce($8, locator), result_ms = $9, size = $10,
     expires_at = case when $11::float8 = 0 then null else to_timestamp($11::float8 / 1000) end, ended_at = now(),
     lease_until = null, wake_at = now(), trouble = '', trouble_at = null, events = ${noted("$12")},
     result = $13, result_object = coalesce($14::bigint, 0), result_type = coalesce($15, ''), result_bytes = coalesce($16::bigint, 0)
   where request_id = $1 and phase < 3 and ($17::smallint is null or runs = $17::smallint) returning request_id`,
);

/**
 * Ends a job, once: the row says from now on that it is to be settled and recorded, whoever dies. False: it had ended already.
 */
export async function noteEnd(db: JobsDatabase, job: End): Promise<boolean> {
  const rows = await db.query(end, [
    ...[job.requestId, job.state, job.error?.code ?? null, job.error?.message ?? null, job.usage ?? null],
    ...[job.started ?? null, job.candidate ?? null, job.locator ?? null, job.resultMs, job.size, job.expiresUnixMs],
    job.error === undefined ? "succeeded" : job.error.code,
    ...[job.result?.inRow ?? null, job.result?.object ?? null, job.result?.type ?? null, job.result?.bytes ?? null],
    ...[job.run ?? null, job.error?.whole ?? null],
  ]);
  return rows.length > 0;
}

const close = statement(
  "jobs_close",
  "update jobs.job set phase = 4, wake_at = null, lease_until = null, started = null, usage = null, input = null where request_id = $1 and phase = 3",
);

/** Its settlement and its record are durable. */
export async function noteClosed(db: JobsDatabase, requestId: bigint): Promise<void> {
  await db.query(close, [requestId]);
}

const retry = statement(
  "jobs_retry",
  "update jobs.job set lease_until = null, wake_at = now() + $2 * interval '1 millisecond' where request_id = $1 and wake_at is not null",
);

/** It is tried again later. */
export async function noteRetry(db: JobsDatabase, requestId: bigint, inMs: number): Promise<void> {
  await db.query(retry, [requestId, inMs]);
}
