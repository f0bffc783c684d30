import { statement } from "../../../shared/db/index.ts";
import { type JobRow, jobColumns } from "./job-row.ts";
import type { JobsDatabase } from "./open.ts";

const claim = statement(
  "jobs_claim_group",
  `with due as materialized (
     select request_id from jobs.job
      where phase = 2 and poll_group = $1 and poll_group <> '' and not cancel_requested and deadline_at > now()
        and asked_at <= now() - greatest($3, poll_floor_ms) * interval '1 millisecond'
        and (lease_until is null or lease_until < now())
      order by wake_at limit $2 for update skip locked)
   update jobs.job set lease_until = now() + $4 * interval '1 millisecond'
    where request_id in (select request_id from due)
   returning ${jobColumns}`,
);

/** Takes further jobs of a group that may be asked after by now, those that are due first; nobody else is given them for `leaseMs`. */
export function claimGroup(
  db: JobsDatabase,
  group: string,
  { limit, floorMs, leaseMs }: { readonly limit: number; readonly floorMs: number; readonly leaseMs: number },
): Promise<JobRow[]> {
  return db.query<JobRow>(claim, [group, limit, floorMs, leaseMs]);
}

const alone = statement(
  "jobs_ask_alone",
  `update jobs.job set poll_group = '', lease_until = null, wake_at = now(), asked_at = now(), paced_at = null
    where request_id = any($1::bigint[]) and phase = 2`,
);

/** These jobs are asked after alone from now on, at once: they have ended, or their vendor has not named them. */
export async function askAlone(db: JobsDatabase, requestIds: readonly bigint[]): Promise<void> {
  await db.query(alone, [requestIds]);
}
