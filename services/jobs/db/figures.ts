import { statement } from "../../../shared/db/index.ts";
import { JobState } from "../../../shared/gen/throughline/jobs/v1/jobs_pb.ts";
import type { JobsDatabase } from "./open.ts";

/** How it stands with all jobs, whichever process works at them. */
export interface Figures {
  readonly pending: number;
  readonly queueing: number;
  readonly processing: number;
  /** Jobs whose channel was removed, so that nobody can be asked. */
  readonly stranded: number;
  /** Seconds for which the oldest step that is due has waited: of polls and ends, and of calls. */
  readonly pollsDueSeconds: number;
  readonly callsDueSeconds: number;
  readonly webhooksWaiting: number;
  readonly webhooksDueSeconds: number;
}

/** Seconds since the oldest moment of a selection; 0: nothing is due. */
const age = (oldest: string) => `coalesce(extract(epoch from now() - (select min(${oldest})), 0)::float8`;

const read = statement(
  "jobs_figures",
  `select
     count(*) filter (where state = ${JobState.PENDING})::float8 as pending,
     count(*) filter (where state = ${JobState.QUEUEING})::float8 as queueing,
     count(*) filter (where state = ${JobState.PROCESSING})::float8 as processing,
     count(*) filter (where trouble = 'channel_removed')::float8 as stranded,
     ${age(`wake_at) from jobs.job
       where wake_at <= now() and (kind = 1 or phase = 3) and (lease_until is null or lease_until < now())`)} as "pollsDueSeconds",
     ${age(`wake_at) from jobs.job
       where kind = 2 and phase < 3 and wake_at <= now() and (lease_until is null or lease_until < now())`)} as "callsDueSeconds",
     (select count(*)::float8 from jobs.delivery where state = 1) as "webhooksWaiting",
     ${age("next_at) from jobs.delivery where state = 1 and next_at <= now() and not leased")} as "webhooksDueSeconds"
   from jobs.job where state < ${JobState.SUCCEEDED}`,
  { idempotent: true },
);

/** Reads them; each count is of what has not ended, which has an index of its own. */
export async function readFigures(db: JobsDatabase): Promise<Figures | undefined> {
  const [row] = await db.query<Figures>(read, []);
  return row;
}
