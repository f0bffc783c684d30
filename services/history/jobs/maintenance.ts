import { statement } from "../../../shared/db/index.ts";
import type { HistoryConfig } from "../config.ts";
import type { HistoryContext } from "../context.ts";
import { ensureAhead } from "../db/partitions.ts";
import { sumDays } from "../db/usage-days.ts";
import { sumUp } from "../db/usage-hours.ts";
import { hourMs } from "../domain/hours.ts";
import { clean } from "./retention.ts";

/** The recurring work of history. */
export interface Maintenance {
  /** Ends it after the run in progress. */
  stop(): Promise<void>;
}

const everyMs = 10 * 60_000;

/** How often hours are summed up, and how long after its end an hour is closed: most records of it have come by then. */
const sumEveryMs = 60_000;
const lateMs = 5 * 60_000;
/** A year has 8,760. */
const maxHoursAtOnce = 2_000;
/** Most time of a minute for hours that are summed anew, and as much for days. */
const maxSumMs = 20_000;

const tryLock = statement(
  "history.usage.lock",
  "select pg_try_advisory_lock(hashtextextended('history.usage', 0)) as taken",
);
const unlock = statement("history.usage.unlock", "select pg_advisory_unlock(hashtextextended('history.usage', 0))");

/**
 * Keeps partitions made ahead of time, drops those past their retention (at the start and every ten minutes), and sums up
 * hours (every minute). Every replica does: each step changes nothing where it is done already.
 */
export async function startMaintenance(context: HistoryContext, config: HistoryConfig): Promise<Maintenance> {
  const { log } = context;
  await prepare(context);
  let stopping = false;
  let waitingPartitions = 0;
  const stopObserving = context.metrics.observe("retention_waiting", () => waitingPartitions, "history");
  const chores = [
    {
      everyMs,
      run: async () => {
        await prepare(context);
        waitingPartitions = await clean(context, config);
      },
    },
    { everyMs: sumEveryMs, run: () => sumHours(context, () => stopping) },
  ];
  let running: Promise<void> = Promise.resolve();
  const timers = chores.map((chore) => {
    let waiting = false;
    const start = (): void => {
      if (waiting || stopping) return;
      waiting = true;
      // One after the other: none is urgent.
      running = running.then(async () => {
        waiting = false;
        await chore.run().catch((error: unknown) => {
          log.warn({ err: error }, "the maintenance of history failed; it is tried again");
        });
      });
    };
    start();
    return setInterval(start, chore.everyMs).unref();
  });
  return {
    async stop() {
      stopping = true;
      for (const timer of timers) clearInterval(timer);
      stopObserving();
      await running;
    },
  };
}

/** Sums up the hours and days that have ended. One replica at a time: the others find the lock taken and leave it to that one. */
export async function sumHours(
  { db, databaseNowMs, lateRecordMs }: Pick<HistoryContext, "db" | "databaseNowMs" | "lateRecordMs">,
  stopping: () => boolean = () => false,
): Promise<void> {
  await db.session(async (session) => {
    const [lock] = await session.query<{ taken: boolean }>(tryLock, []);
    if (lock?.taken !== true) return;
    try {
      const closedHour = Math.floor(((await databaseNowMs()) - lateMs) / hourMs);
      await sumUp(db, { closedHour, maxHours: maxHoursAtOnce, maxMs: maxSumMs, stopping });
      await sumDays(db, { lagMs: lateRecordMs, maxMs: maxSumMs, stopping });
    } finally {
      await session.query(unlock, []);
    }
  });
}

async function prepare({ db, tables, nowMs }: HistoryContext): Promise<void> {
  for (const table of tables) await ensureAhead(db, table, nowMs());
}
