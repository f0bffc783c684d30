import { dropPartitionsBelow, statement } from "../../../shared/db/index.ts";
import { firstIdAt } from "../../../shared/request-id.ts";
import type { HistoryConfig } from "../config.ts";
import type { HistoryContext } from "../context.ts";
import { ensureAhead } from "../db/partitions.ts";
import { sumUp } from "../db/usage-hours.ts";
import { hourMs, hourOfId } from "../domain/hours.ts";
import { retentionBound } from "../domain/partitions.ts";
import { higher } from "../domain/times.ts";

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

const tryLock = statement(
  "history.usage.lock",
  "select pg_try_advisory_lock(hashtextextended('history.usage', 0)) as taken",
);
const unlock = statement("history.usage.unlock", "select pg_advisory_unlock(hashtextextended('history.usage', 0))");

const clearUsage = statement("history.maintenance.usage", "delete from history.usage_hour where hour < $1", {
  idempotent: true,
});

/** Rows that an overtaking message left behind the record of their request's end; and those past the retention. */
const clearUnfinished = statement(
  "history.maintenance.unfinished",
  `delete from history.unfinished u
    where u.request_id < $1
       or (u.request_id in (select request_id from history.unfinished)
           and exists (select 1 from history.record r where r.request_id = u.request_id))`,
  { idempotent: true },
);

/**
 * Tombstones of requests that nobody had seen go when no first record can come any more. Clients choose those numbers: a
 * thousand a call, each was kept for as long as a record, 400 days or for ever.
 */
const clearUnconfirmed = statement(
  "history.maintenance.unconfirmed",
  "delete from history.tombstone where request_id < $1 and not confirmed",
  { idempotent: true },
);

/** Tombstones outlive what they bury, and no longer. */
const clearTombstones = statement(
  "history.maintenance.tombstones",
  "delete from history.tombstone where request_id < $1",
  { idempotent: true },
);

/**
 * Keeps partitions made ahead of time, drops those past their retention (at the start and every ten minutes), and sums up
 * hours (every minute). Every replica does: each step changes nothing where it is done already.
 */
export async function startMaintenance(context: HistoryContext, config: HistoryConfig): Promise<Maintenance> {
  const { log } = context;
  await prepare(context);
  let stopping = false;
  const chores = [
    { everyMs, run: () => prepare(context).then(() => clean(context, config)) },
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
      await running;
    },
  };
}

/** Sums up the hours that have ended. One replica at a time: the others find the lock taken and leave it to that one. */
export async function sumHours(
  { db, nowMs }: Pick<HistoryContext, "db" | "nowMs">,
  stopping: () => boolean = () => false,
): Promise<void> {
  await db.session(async (session) => {
    const [lock] = await session.query<{ taken: boolean }>(tryLock, []);
    if (lock?.taken !== true) return;
    try {
      const closedHour = Math.floor((nowMs() - lateMs) / hourMs);
      await sumUp(db, { closedHour, maxHours: maxHoursAtOnce, stopping });
    } finally {
      await session.query(unlock, []);
    }
  });
}

async function prepare({ db, tables, nowMs }: HistoryContext): Promise<void> {
  for (const table of tables) await ensureAhead(db, table, nowMs());
}

/** Drops what is past its retention. Exported for the tests, which set the clock. */
export async function clean(
  { db, log, nowMs, lateRecordMs }: Pick<HistoryContext, "db" | "log" | "nowMs" | "lateRecordMs">,
  { retentionMs, payloadRetentionMs }: Pick<HistoryConfig, "retentionMs" | "payloadRetentionMs">,
): Promise<void> {
  const records = retentionBound(nowMs(), retentionMs);
  const payloads = payloadRetentionMs === 0 ? records : retentionBound(nowMs(), payloadRetentionMs);
  const bounds = [
    { table: "history.payload", bound: higher(payloads, records) },
    { table: "history.record", bound: records },
  ];
  for (const { table, bound } of bounds) {
    if (bound === 0n) continue;
    const dropped = await dropPartitionsBelow(db, { table, bound });
    if (dropped.length > 0) log.info({ table, dropped }, "partitions past their retention were dropped");
  }
  await db.query(clearUnfinished, [records]);
  // Twice as long as they are made for: a record that was late may be on its way still.
  await db.query(clearUnconfirmed, [firstIdAt(nowMs() - 2 * lateRecordMs)]);
  if (records === 0n) return;
  await db.query(clearTombstones, [records]);
  await db.query(clearUsage, [hourOfId(records)]);
}
