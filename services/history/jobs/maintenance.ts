import { dropPartitionsBelow, statement } from "../../../shared/db/index.ts";
import type { HistoryConfig } from "../config.ts";
import type { HistoryContext } from "../context.ts";
import { ensureAhead } from "../db/partitions.ts";
import { retentionBound } from "../domain/partitions.ts";
import { higher } from "../domain/times.ts";

/** The recurring work of history. */
export interface Maintenance {
  /** Ends it after the run in progress. */
  stop(): Promise<void>;
}

const everyMs = 10 * 60_000;

/** Rows that an overtaking message left behind the record of their request's end; and those past the retention. */
const clearUnfinished = statement(
  "history.maintenance.unfinished",
  `delete from history.unfinished u
    where u.request_id < $1
       or (u.request_id in (select request_id from history.unfinished)
           and exists (select 1 from history.record r where r.request_id = u.request_id))`,
  { idempotent: true },
);

/** Tombstones outlive what they bury, and no longer. */
const clearTombstones = statement(
  "history.maintenance.tombstones",
  "delete from history.tombstone where request_id < $1",
  { idempotent: true },
);

/**
 * Keeps partitions made ahead of time, and drops those past their retention: at the start and every ten minutes, on every
 * replica. They may all do it: each step changes nothing where it is done already.
 */
export async function startMaintenance(context: HistoryContext, config: HistoryConfig): Promise<Maintenance> {
  const { log } = context;
  await prepare(context);
  let running = Promise.resolve();
  const run = (): void => {
    running = running
      .then(() => prepare(context))
      .then(() => clean(context, config))
      .catch((error: unknown) => log.warn({ err: error }, "the maintenance of history failed; it is tried again"));
  };
  run();
  const timer = setInterval(run, everyMs);
  timer.unref();
  return {
    async stop() {
      clearInterval(timer);
      await running;
    },
  };
}

async function prepare({ db, tables, nowMs }: HistoryContext): Promise<void> {
  for (const table of tables) await ensureAhead(db, table, nowMs());
}

/** Drops what is past its retention. Exported for the tests, which set the clock. */
export async function clean(
  { db, log, nowMs }: Pick<HistoryContext, "db" | "log" | "nowMs">,
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
  if (records > 0n) await db.query(clearTombstones, [records]);
}
