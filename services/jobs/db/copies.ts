import { statement } from "../../../shared/db/index.ts";
import { type JobRow, jobColumns } from "./job-row.ts";
import type { JobsDatabase } from "./open.ts";

const want = statement(
  "jobs_copy_want",
  "insert into jobs.copy (request_id) values ($1) on conflict (request_id) do nothing",
  { idempotent: true },
);

/** A job's result is to be copied. */
export async function wantCopy(db: JobsDatabase, requestId: bigint): Promise<void> {
  await db.query(want, [requestId]);
}

const claim = statement(
  "jobs_copy_claim",
  `with due as materialized (
     select request_id from jobs.copy where wake_at <= now() and (lease_until is null or lease_until < now())
     order by wake_at limit $1 for update skip locked)
   update jobs.copy c set lease_until = now() + $2 * interval '1 millisecond', tries = c.tries + 1
   from due where c.request_id = due.request_id returning c.request_id, c.tries`,
);

/** A result that is to be copied. */
export interface CopyRow {
  readonly request_id: bigint;
  /** How often it was begun. */
  readonly tries: number;
}

/** Takes results that are to be copied; nobody else is given them for `leaseMs`. */
export function claimCopies(db: JobsDatabase, limit: number, leaseMs: number): Promise<CopyRow[]> {
  return db.query<CopyRow>(claim, [limit, leaseMs]);
}

const hold = statement(
  "jobs_copy_hold",
  "update jobs.copy set lease_until = now() + $3 * interval '1 millisecond' where request_id = $1 and tries = $2 returning tries",
  { idempotent: true },
);

/** Holds it for longer. False: another worker has it. */
export async function holdCopy(db: JobsDatabase, { request_id, tries }: CopyRow, leaseMs: number): Promise<boolean> {
  return (await db.query(hold, [request_id, tries, leaseMs])).length > 0;
}

const job = statement("jobs_copy_job", `select ${jobColumns} from jobs.job where request_id = $1 and not deleted`, {
  idempotent: true,
});

/** The job whose result it is; undefined: its client has let go of it. */
export async function jobOfCopy(db: JobsDatabase, requestId: bigint): Promise<JobRow | undefined> {
  const [row] = await db.query<JobRow>(job, [requestId]);
  return row;
}

const done = statement(
  "jobs_copy_done",
  `with gone as (delete from jobs.copy where request_id = $1 and tries = $2 returning request_id)
   update jobs.job j set result_object = $1, result_type = $3, result_bytes = $4,
     expires_at = case when $5::bigint = 0 then null else now() + $5::bigint * interval '1 millisecond' end
   from gone g where j.request_id = g.request_id`,
);

/** The copy is whole: the job's result is given from it, for as long as it lives. @param copied.lifeMs 0: for ever. */
export async function noteCopied(
  db: JobsDatabase,
  { request_id, tries }: CopyRow,
  copied: { readonly type: string; readonly bytes: number; readonly lifeMs: number },
): Promise<void> {
  await db.query(done, [request_id, tries, copied.type, copied.bytes, copied.lifeMs]);
}

const retry = statement(
  "jobs_copy_retry",
  `update jobs.copy set lease_until = null, wake_at = now() + $3 * interval '1 millisecond'
   where request_id = $1 and tries = $2`,
);

/** It is tried again later. */
export async function retryCopy(db: JobsDatabase, { request_id, tries }: CopyRow, inMs: number): Promise<void> {
  await db.query(retry, [request_id, tries, inMs]);
}

const giveUp = statement("jobs_copy_give_up", "delete from jobs.copy where request_id = $1 and tries = $2");

/** The result stays with its vendor alone. */
export async function giveUpCopy(db: JobsDatabase, { request_id, tries }: CopyRow): Promise<void> {
  await db.query(giveUp, [request_id, tries]);
}
