import type { JobsContext } from "../context.ts";
import { doubtStart, noteRetry } from "../db/advance.ts";
import { type JobRow, phases } from "../db/job-row.ts";
import { claimJobs, waitMs } from "../db/jobs.ts";
import { aboutJob } from "./ask.ts";
import { endLostStart } from "./begin.ts";
import { close, doubtMs, leaseMs } from "./end.ts";
import { follow } from "./follow.ts";
import { followTogether, gather } from "./follow-together.ts";
import { giveLeaves, type Leave } from "./pace.ts";
import { type Pool, startPool } from "./pool.ts";

/** Longest time between two looks: another process may have noted something, or have died. */
const maxPauseMs = 3_000;
/** What could not be done is tried again after this. */
const retryMs = 1_000;

/**
 * Takes vendors' jobs and ends of which something is to be done, as the rows say it, and does it: several processes may, for each
 * job is leased to one of them. A step that fails, or whose process dies, is taken again.
 */
export function startWorker(context: JobsContext): Pool {
  const { db, config, log } = context;
  const pool = startPool(log, {
    atOnce: config.atOnce,
    async take(room) {
      const rows = await claimJobs(db, room, leaseMs);
      const pauseMs =
        rows.length === room ? 0 : Math.min(maxPauseMs, Math.max(1, Math.ceil((await waitMs(db)) ?? maxPauseMs)));
      const questions = await gather(context, rows);
      const leaves = await giveLeaves(
        context,
        questions.filter(([row]) => row?.phase === phases.running),
      );
      return { steps: questions.map((asked) => () => advance(asked, leaves.get(asked))), pauseMs };
    },
  });

  async function advance(rows: readonly JobRow[], leave: Leave | undefined): Promise<void> {
    const [row, ...others] = rows;
    if (row === undefined) return;
    try {
      if (leave !== undefined && others.length > 0) await followTogether(context, rows, leave);
      else if (leave !== undefined) await follow(context, row, leave);
      else if (row.phase === phases.starting && row.misses === 0) await doubtStart(db, row.request_id, doubtMs);
      else if (row.phase === phases.starting) await endLostStart(context, row);
      else await close(context, row);
      // The worker looks at the next step now, not at the end of the pause.
      pool.wake();
    } catch (error) {
      log.warn({ err: error, ...aboutJob(row) }, "a step of a job failed; it is taken again");
      for (const { request_id: id } of rows) await noteRetry(db, id, retryMs).catch(() => undefined);
    }
    log.debug({ ...aboutJob(row), phase: row.phase }, "a step of a job was taken");
  }

  return pool;
}
