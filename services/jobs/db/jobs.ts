import { statement } from "../../../shared/db/index.ts";
import { type JobRow, jobColumns } from "./job-row.ts";
import type { JobsDatabase } from "./open.ts";

/** A job that is to be begun. */
export interface NewJob {
  readonly requestId: bigint;
  readonly accountId: bigint;
  readonly keyId: bigint;
  readonly userId: string;
  readonly module: number;
  readonly item: Uint8Array;
  readonly body: Uint8Array;
  readonly view: Uint8Array;
  readonly traceparent: string;
  readonly createdUnixMs: number;
  /** Milliseconds from now on. */
  readonly lifeMs: number;
  /** Milliseconds after which its start is lost, unless it is extended. */
  readonly startLeaseMs: number;
}

const insert = statement(
  "jobs_insert",
  `insert into jobs.job (request_id, account_id, key_id, user_id, module, phase, state, item, body, view, traceparent,
     created_at, deadline_at, wake_at)
   values ($1, $2, $3, $4, $5, 1, 1, $6, $7, $8, $9, to_timestamp($10 / 1000.0),
     now() + $11 * interval '1 millisecond', now() + $12 * interval '1 millisecond')
   on conflict (request_id) do nothing returning request_id`,
);

/** Makes a job durable whose start is under way. False: there is one with this request's ID. */
export async function insertJob(db: JobsDatabase, job: NewJob): Promise<boolean> {
  const rows = await db.query(insert, [
    ...[job.requestId, job.accountId, job.keyId, job.userId, job.module, job.item, job.body, job.view],
    ...[job.traceparent, job.createdUnixMs, job.lifeMs, job.startLeaseMs],
  ]);
  return rows.length > 0;
}

/** Whose jobs are meant; 0 and empty: any. Only operators may ask for any account's. */
export interface Owner {
  readonly accountId: bigint;
  readonly keyId: bigint;
  readonly userId: string;
}

const owned =
  "($1::bigint = 0 or account_id = $1) and ($2::bigint = 0 or key_id = $2) and ($3 = '' or user_id = $3) and not deleted";

const read = statement("jobs_read", `select ${jobColumns} from jobs.job where request_id = $4 and ${owned}`, {
  idempotent: true,
});

/** One job of an owner. */
export async function readJob(db: JobsDatabase, owner: Owner, requestId: bigint): Promise<JobRow | undefined> {
  const [row] = await db.query<JobRow>(read, [owner.accountId, owner.keyId, owner.userId, requestId]);
  return row;
}

// Materialized: as a part of the statement's plan it may be run again for each row, and then takes more than its limit.
const claim = statement(
  "jobs_claim",
  `with due as materialized (
     select request_id from jobs.job
      where wake_at <= now() and (kind = 1 or phase = 3) and (lease_until is null or lease_until < now())
      order by wake_at limit $1 for update skip locked)
   update jobs.job set lease_until = now() + $2 * interval '1 millisecond'
    where request_id in (select request_id from due)
   returning ${jobColumns}`,
);

/** Takes vendors' jobs and ends of which something is to be done now; no other worker is given them for `leaseMs`. */
export function claimJobs(db: JobsDatabase, limit: number, leaseMs: number): Promise<JobRow[]> {
  return db.query<JobRow>(claim, [limit, leaseMs]);
}

const wait = statement(
  "jobs_wait",
  `select (extract(epoch from min(greatest(wake_at, coalesce(lease_until, wake_at))) - now()) * 1000)::float8 as ms
     from jobs.job where wake_at is not null and (kind = 1 or phase = 3)`,
  { idempotent: true },
);

/** Milliseconds until something is to be done about a vendor's job or an end; undefined: nothing is. */
export async function waitMs(db: JobsDatabase): Promise<number | undefined> {
  const [row] = await db.query<{ ms: number | null }>(wait, []);
  return row?.ms ?? undefined;
}

const open = statement(
  "jobs_open",
  "select request_id from jobs.job where phase < 4 and request_id > $1 order by 1 limit $2",
  {
    idempotent: true,
  },
);

/** Jobs that hold a reservation, in the order of their IDs. */
export async function openJobs(db: JobsDatabase, after: bigint, limit: number): Promise<bigint[]> {
  const rows = await db.query<{ request_id: bigint }>(open, [after, limit]);
  return rows.map(({ request_id }) => request_id);
}

const cancel = statement(
  "jobs_cancel",
  `update jobs.job set cancel_requested = true, wake_at = case when phase = 2 and kind = 1 then now() else wake_at end
    where request_id = $4 and ${owned} and phase < 3`,
);

/** Notes that somebody wants its end, and has a worker look at it now. */
export async function requestCancel(db: JobsDatabase, owner: Owner, requestId: bigint): Promise<void> {
  await db.query(cancel, [owner.accountId, owner.keyId, owner.userId, requestId]);
}

const hide = statement(
  "jobs_hide",
  "update jobs.job set deleted = true where request_id = $1 and (phase > 2 or kind = 2)",
);

/** Takes a job that has ended, or an own call, out of its owner's sight. */
export async function hideJob(db: JobsDatabase, requestId: bigint): Promise<void> {
  await db.query(hide, [requestId]);
}

/** A job that is to be forgotten, and the objects that go with it. */
export type OldJob = Pick<JobRow, "request_id" | "account_id" | "upload" | "result_object">;

const old = statement(
  "jobs_old",
  `select request_id, account_id, upload, result_object from jobs.job where phase = 4 and ended_at < now() - $1 * interval '1 millisecond'
    order by ended_at limit $2`,
  { idempotent: true },
);

/** Jobs that ended longer ago than this. */
export function oldJobs(db: JobsDatabase, retentionMs: number, limit: number): Promise<OldJob[]> {
  return db.query<OldJob>(old, [retentionMs, limit]);
}

const forget = statement("jobs_forget", "delete from jobs.job where request_id = any($1::bigint[])");

/** Deletes jobs whose objects are gone. */
export async function forgetJobs(db: JobsDatabase, requestIds: readonly bigint[]): Promise<void> {
  await db.query(forget, [requestIds]);
}
