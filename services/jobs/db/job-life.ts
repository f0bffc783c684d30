import { statement } from "../../../shared/db/index.ts";
import type { JobRow } from "./job-row.ts";
import type { JobsDatabase } from "./open.ts";

/** What is told of a job's life. */
export type JobLifeRow = Pick<JobRow, "polls" | "failed_polls" | "events" | "vendor_job_id" | "deadline_at">;

const read = statement(
  "jobs_read_life",
  `select polls, failed_polls, events, vendor_job_id, deadline_at from jobs.job
    where request_id = $1 and ($2::bigint = 0 or account_id = $2)`,
  { idempotent: true },
);

/** The life of a job, also of one that its owner has taken out of sight. @param accountId whose it must be; 0: anybody's. */
export async function readJobLife(
  db: JobsDatabase,
  requestId: bigint,
  accountId: bigint,
): Promise<JobLifeRow | undefined> {
  const [row] = await db.query<JobLifeRow>(read, [requestId, accountId]);
  return row;
}
