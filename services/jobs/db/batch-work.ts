import { integerArray, statement } from "../../../shared/db/index.ts";
import type { LineCounts } from "../domain/line-counts.ts";
import { type BatchRow, batchColumns } from "./batch-row.ts";
import type { JobsDatabase } from "./open.ts";

const tell = statement(
  "jobs_batch_tell",
  "update jobs.batch set told = $2::integer[] where batch_id = $1 and state = 2 and told is distinct from $2::integer[]",
  { idempotent: true },
);

/** Notes how many lines have come to what, as its vendor says it. */
export async function noteToldCounts(db: JobsDatabase, id: bigint, counts: LineCounts): Promise<void> {
  const { succeeded, failed, cancelled, expired } = counts;
  await db.query(tell, [id, integerArray([succeeded, failed, cancelled, expired])]);
}

/** A batch whose lines run. */
export interface RunningBatch {
  readonly batch_id: bigint;
  readonly account_id: bigint;
  readonly cancel_requested: boolean;
  /** Its time is over. */
  readonly is_over: boolean;
}

const running = statement(
  "jobs_batch_running",
  `select batch_id, account_id, cancel_requested, deadline_at <= now() as is_over from jobs.batch
   where state = 2 and not by_vendor and batch_id > $1 and (pause_until is null or pause_until <= now() or cancel_requested
     or deadline_at <= now()) order by batch_id limit $2`,
  { idempotent: true },
);

/** Batches that may have lines run now, in the order of their IDs. */
export function runningBatches(db: JobsDatabase, after: bigint, limit: number): Promise<RunningBatch[]> {
  return db.query<RunningBatch>(running, [after, limit]);
}

const pause = statement(
  "jobs_batch_pause",
  "update jobs.batch set pause_until = now() + $2 * interval '1 millisecond' where batch_id = $1 and state = 2",
  { idempotent: true },
);

/** Leaves the upstreams of a batch alone for a while. */
export async function pauseBatch(db: JobsDatabase, id: bigint, ms: number): Promise<void> {
  await db.query(pause, [id, ms]);
}

const claim = statement(
  "jobs_batch_claim",
  `with due as materialized (
     select batch_id as id from jobs.batch where state = 3 and (lease_until is null or lease_until < now())
     order by batch_id limit 1 for update skip locked)
   update jobs.batch set worker = $1, lease_until = now() + $2 * interval '1 millisecond'
   from due where batch_id = due.id returning ${batchColumns}`,
);

/** Takes a batch whose results are to be written; nobody else is given it for `leaseMs`. */
export async function claimFinalizing(
  db: JobsDatabase,
  worker: bigint,
  leaseMs: number,
): Promise<BatchRow | undefined> {
  const [row] = await db.query<BatchRow>(claim, [worker, leaseMs]);
  return row;
}

const hold = statement(
  "jobs_batch_hold",
  `update jobs.batch set lease_until = now() + $3 * interval '1 millisecond'
   where batch_id = $1 and worker = $2 and state = 3 returning batch_id`,
  { idempotent: true },
);

/** Holds it for longer. False: another worker has it. */
export async function holdFinalizing(db: JobsDatabase, id: bigint, worker: bigint, leaseMs: number): Promise<boolean> {
  return (await db.query(hold, [id, worker, leaseMs])).length > 0;
}

const end = statement(
  "jobs_batch_end",
  `with ended as (
     update jobs.batch set state = 4, ended_at = now(), worker = null, lease_until = null
      where batch_id = $1 and worker = $2 and state = 3 returning batch_id),
   lines as (delete from jobs.batch_line l using ended e where l.batch_id = e.batch_id)
   delete from jobs.batch_route r using ended e where r.batch_id = e.batch_id`,
);

/** Its results are written, and it is settled and recorded: its lines are of no use any more. */
export async function endBatch(db: Pick<JobsDatabase, "query">, id: bigint, worker: bigint): Promise<void> {
  await db.query(end, [id, worker]);
}

const forget = statement(
  "jobs_batch_forget",
  `delete from jobs.batch where batch_id in (
     (select batch_id from jobs.batch where state = 1 and touched_at < now() - interval '1 hour' limit $2)
     union all
     (select batch_id from jobs.batch where state = 4 and $1::bigint > 0
        and ended_at < now() - $1::bigint * interval '1 millisecond' limit $2))`,
);

/** Deletes batches that were never whole, and those that ended longer ago than this; 0: none of these. */
export async function forgetBatches(db: JobsDatabase, retentionMs: number, limit: number): Promise<void> {
  await db.query(forget, [retentionMs, limit]);
}

const held = statement(
  "jobs_batch_held",
  `select id from (
     (select batch_id as id from jobs.batch where state in (2, 3) and is_held and batch_id > $1 order by 1 limit $2)
     union all
     (select request_id from jobs.batch_line where state in (2, 3) and worker is not null and request_id > $1
      order by 1 limit $2)
     union all
     (select request_id from jobs.batch_line where state = 1 and tries > 0 and request_id > $1 order by 1 limit $2)) h
   order by id limit $2`,
  { idempotent: true },
);

/** Requests of batches and lines that hold reservations, in the order of their IDs. */
export async function heldReservations(db: JobsDatabase, after: bigint, limit: number): Promise<bigint[]> {
  return (await db.query<{ id: bigint }>(held, [after, limit])).map(({ id }) => id);
}
