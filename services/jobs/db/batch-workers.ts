import { statement } from "../../../shared/db/index.ts";
import type { JobsDatabase } from "./open.ts";

const beat = statement(
  "jobs_batch_beat",
  `insert into jobs.batch_worker (worker, alive_until) values ($1, now() + $2 * interval '1 millisecond')
   on conflict (worker) do update set alive_until = excluded.alive_until`,
  { idempotent: true },
);

/** Says that a worker lives. */
export async function beatWorker(db: JobsDatabase, worker: bigint, aliveMs: number): Promise<void> {
  await db.query(beat, [worker, aliveMs]);
}

const recover = statement(
  "jobs_batch_recover",
  `with dead as (delete from jobs.batch_worker where alive_until < now())
   update jobs.batch_line set worker = null, state = case when state = 2 then 1 else state end
   where state in (2, 3) and worker is not null
     and worker not in (select worker from jobs.batch_worker where alive_until >= now())`,
);

/** Takes the lines of workers that are not alive away from them: those that ran are run again. */
export async function recoverLines(db: JobsDatabase): Promise<void> {
  await db.query(recover, []);
}

const leave = statement("jobs_batch_leave", "delete from jobs.batch_worker where worker = $1", { idempotent: true });

/** Says that a worker is gone: its lines are others' at once. */
export async function leaveWorker(db: JobsDatabase, worker: bigint): Promise<void> {
  await db.query(leave, [worker]);
}
