import { dropPartitionsBelow, listRangePartitions, statement } from "../../../shared/db/index.ts";
import { firstIdAt } from "../../../shared/request-id.ts";
import { clockToleranceMs, decideRetention } from "../../../shared/retention.ts";
import type { HistoryConfig } from "../config.ts";
import type { HistoryContext } from "../context.ts";
import { findHold, newestRecord, storeHold } from "../db/retention.ts";
import { hourOfId } from "../domain/hours.ts";
import { retentionBound } from "../domain/partitions.ts";
import { higher } from "../domain/times.ts";

/** A day that lost a part of its records is answered from its hours. */
const clearUsage = statement(
  "history.maintenance.usage",
  `with days as (delete from history.usage_day where day * 24 < $1)
   delete from history.usage_hour where hour < $1`,
  { idempotent: true },
);

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

type Cleaned = Pick<HistoryContext, "db" | "log" | "nowMs" | "databaseNowMs" | "lateRecordMs">;
type Retention = Pick<HistoryConfig, "retentionMs" | "payloadRetentionMs" | "deleteBeforeMs"> &
  Partial<Pick<HistoryConfig, "requestRetentionMs">>;

/**
 * Drops what is past its retention by the database's clock, as far as `decideRetention` lets it go now. Gives the number of
 * partitions that stay although they are past it.
 */
export async function clean(context: Cleaned, retention: Retention): Promise<number> {
  const { db, log, lateRecordMs } = context;
  const nowMs = await context.databaseNowMs();
  const ownMs = context.nowMs();
  const records = retentionBound(nowMs, retention.retentionMs);
  const payloads = retention.payloadRetentionMs === 0 ? records : retentionBound(nowMs, retention.payloadRetentionMs);
  const { requestRetentionMs = 0 } = retention;
  const requests = requestRetentionMs === 0 ? records : retentionBound(nowMs, requestRetentionMs);
  const clocks = { nowMs, ownMs };
  let waiting = (
    await dropPast(context, retention, { table: "history.payload", bound: higher(payloads, records), ...clocks })
  ).waiting;
  waiting += (
    await dropPast(context, retention, { table: "history.request", bound: higher(requests, records), ...clocks })
  ).waiting;
  const dropped = await dropPast(context, retention, { table: "history.record", bound: records, ...clocks });
  waiting += dropped.waiting;
  if (Math.abs(nowMs - ownMs) > clockToleranceMs) {
    log.error(
      { database_ms: nowMs, own_ms: ownMs },
      "the clocks of this process and of PostgreSQL differ: nothing is deleted by age until they agree",
    );
    return waiting;
  }
  // Labels go with their records.
  await dropPartitionsBelow(db, { table: "history.label", bound: dropped.below });
  await db.query(clearUnfinished, [dropped.below]);
  // Twice as long as they are made for: a record that was late may be on its way still.
  await db.query(clearUnconfirmed, [firstIdAt(nowMs - 2 * lateRecordMs)]);
  if (dropped.below > 0n) {
    await db.query(clearTombstones, [dropped.below]);
    await db.query(clearUsage, [hourOfId(dropped.below)]);
  }
  return waiting;
}

interface Past {
  readonly table: "history.record" | "history.payload" | "history.request";
  /** Lowest ID that is kept; 0: all are. */
  readonly bound: bigint;
  readonly nowMs: number;
  readonly ownMs: number;
}

/** Drops partitions of one table. `below`: what is kept beside them may go below this. */
async function dropPast(
  { db, log }: Cleaned,
  { deleteBeforeMs }: Retention,
  { table, bound, nowMs, ownMs }: Past,
): Promise<{ below: bigint; waiting: number }> {
  const past = (await listRangePartitions(db, table)).map(({ to }) => to).filter((to) => to <= bound);
  const hold = await findHold(db, table);
  const newestId = past.length === 0 ? undefined : await newestRecord(db);
  const step = decideRetention({
    nowMs,
    ownMs,
    due: past,
    confirmed: deleteBeforeMs === 0 ? 0n : firstIdAt(deleteBeforeMs),
    everything: newestId !== undefined && newestId < bound,
    hold,
  });
  // First the hold: a step that is lost is made an hour later, one that is forgotten would be made again at once.
  if (step.hold?.sinceMs !== hold?.sinceMs || step.hold?.steppedMs !== hold?.steppedMs)
    await storeHold(db, table, step.hold);
  const dropped = await dropPartitionsBelow(db, { table, bound: step.below });
  if (dropped.length > 0) log.info({ table, dropped }, "partitions past their retention were dropped");
  if (step.reason === "too much at once") {
    log.warn(
      { table, partitions: step.waiting, announced: step.hold && new Date(step.hold.sinceMs).toISOString() },
      "more than one partition is past its retention: a day after this was announced one goes each hour. If the " +
        "clock is right, HISTORY_DELETE_BEFORE lets them go at once; if it is wrong, set it right",
    );
  }
  return { below: step.waiting > 0 ? step.below : bound, waiting: step.waiting };
}
