import type { JobsContext } from "../context.ts";
import { noteRetry } from "../db/advance.ts";
import { type JobRow, phases } from "../db/job-row.ts";
import { claimJobs, waitMs } from "../db/jobs.ts";
import { endLostStart } from "./begin.ts";
import { close, leaseMs } from "./end.ts";
import { follow } from "./follow.ts";

/** What works at jobs in this process. */
export interface Worker {
  /** Something may be to be done at once. */
  wake(): void;
  /** Jobs that are worked at now. */
  readonly running: number;
  /** Takes no more jobs, and waits for those that are worked at. */
  stop(): Promise<void>;
}

/** Longest time between two looks: another process may have noted something, or have died. */
const maxPauseMs = 3_000;
/** What could not be done is tried again after this. */
const retryMs = 1_000;

/**
 * Takes jobs of which something is to be done, as the rows say it, and does it: several processes may, for each job is
 * leased to one of them. A step that fails, or whose process dies, is taken again.
 */
export function startWorker(context: JobsContext): Worker {
  const { db, config, log } = context;
  const running = new Set<Promise<void>>();
  let stopped = false;
  let awake = true;
  let wake: (() => void) | undefined;

  async function loop(): Promise<void> {
    while (!stopped) {
      awake = false;
      const pauseMs = await take().catch((error: unknown) => {
        log.warn({ err: error }, "jobs could not be read; they are looked at again");
        return retryMs;
      });
      if (!stopped && !awake && pauseMs > 0) await pause(pauseMs);
    }
  }

  /** Starts what is to be done; gives the time to the next look. */
  async function take(): Promise<number> {
    const room = config.atOnce - running.size;
    if (room === 0) {
      await Promise.race(running);
      return 0;
    }
    const rows = await claimJobs(db, room, leaseMs);
    for (const row of rows) {
      const work: Promise<void> = advance(row).finally(() => {
        running.delete(work);
        context.log.debug({ request_id: row.request_id.toString(), phase: row.phase }, "a step of a job was taken");
      });
      running.add(work);
    }
    if (rows.length === room) return 0;
    return Math.min(maxPauseMs, Math.max(1, Math.ceil((await waitMs(db)) ?? maxPauseMs)));
  }

  async function advance(row: JobRow): Promise<void> {
    try {
      if (row.phase === phases.running) await follow(context, row);
      else if (row.phase === phases.starting) await endLostStart(context, row);
      else await close(context, row);
      // What it led to is looked at now, not at the end of the pause.
      wakeUp();
    } catch (error) {
      log.warn({ err: error, request_id: row.request_id.toString() }, "a step of a job failed; it is taken again");
      await noteRetry(db, row.request_id, retryMs).catch(() => undefined);
    }
  }

  function pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  function wakeUp(): void {
    awake = true;
    wake?.();
  }

  const ended = loop();
  return {
    wake: wakeUp,
    get running() {
      return running.size;
    },
    async stop() {
      stopped = true;
      wake?.();
      await ended;
      await Promise.allSettled(running);
    },
  };
}
