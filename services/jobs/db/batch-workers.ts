import { statement } from "../../../shared/db/index.ts";
import type { JobsDatabase } from "./open.ts";

const beat = statement(
  "jobs_batch_beat",
  `with before as (select alive_until >= now() as unbroken from jobs.batch_worker where worker = $1)
   insert into jobs.batch_worker (worker, alive_until) values ($1, now() + $2 * interval '1 millisecond')
   on conflict (worker) do update set alive_until = excluded.alive_until
   returning coalesce((select unbroken from before), false) as unbroken`,
  { idempotent: true },
);

/** Says that a worker lives. False: it has not been known to live until now. */
export async function beatWorker(db: JobsDatabase, worker: bigint, aliveMs: number): Promise<boolean> {
  const [row] = await db.query<{ unbroken: boolean }>(beat, [worker, aliveMs]);
  return row?.unbroken === true;
}

const recover = statement(
  "jobs_batch_recover",
  `with judge as (select from jobs.batch_worker where worker = $1 and alive_until >= now()),
   dead as (delete from jobs.batch_worker where alive_until < now() and exists (select from judge))
   update jobs.batch_line set worker = null, state = case when state = 2 then 1 else state end
   where state in (2, 3) and worker is not null and exists (select from judge)
     and worker not in (select worker from jobs.batch_worker where alive_until >= now())`,
);

/**
 * Takes the lines of workers that are not alive away from them: those that ran are run again. Who is not known to live
 * itself judges nobody: while PostgreSQL was away or stood still, nobody could say that it lives.
 */
export async function recoverLines(db: JobsDatabase, judge: bigint): Promise<void> {
  await db.query(recover, [judge]);
}

const leave = statement("jobs_batch_leave", "delete from jobs.batch_worker where worker = $1", { idempotent: true });

/** Says that a worker is gone: its lines are others' at once. */
export async function leaveWorker(db: JobsDatabase, worker: bigint): Promise<void> {
  await db.query(leave, [worker]);
}
