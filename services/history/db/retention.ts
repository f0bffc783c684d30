import { type Database, statement } from "../../../shared/db/index.ts";
import type { Hold } from "../../../shared/retention.ts";

const clock = statement(
  "history.retention.clock",
  "select (extract(epoch from clock_timestamp()) * 1000)::float8 as now_ms",
  { idempotent: true },
);
const newest = statement("history.retention.newest", "select max(request_id) as id from history.record", {
  idempotent: true,
});
const readHold = statement(
  "history.retention.read",
  "select since_ms, stepped_ms from history.retention_hold where partitioned = $1",
  { idempotent: true },
);
const keepHold = statement(
  "history.retention.keep",
  `insert into history.retention_hold (partitioned, since_ms, stepped_ms) values ($1, $2, $3)
   on conflict (partitioned) do update set since_ms = excluded.since_ms, stepped_ms = excluded.stepped_ms`,
  { idempotent: true },
);
const endHold = statement("history.retention.end", "delete from history.retention_hold where partitioned = $1", {
  idempotent: true,
});

/** The database's clock, Unix milliseconds. */
export async function databaseNowMs(db: Database<unknown>): Promise<number> {
  const [row] = await db.query<{ now_ms: number }>(clock, []);
  return Math.trunc(row?.now_ms ?? 0);
}

/** The highest ID that has a record; undefined: there is none. */
export async function newestRecord(db: Database<unknown>): Promise<bigint | undefined> {
  const [row] = await db.query<{ id: bigint | null }>(newest, []);
  return row?.id ?? undefined;
}

/** The announced deletion of a table's partitions. */
export async function findHold(db: Database<unknown>, table: string): Promise<Hold | undefined> {
  const [row] = await db.query<{ since_ms: bigint; stepped_ms: bigint }>(readHold, [table]);
  return row && { sinceMs: Number(row.since_ms), steppedMs: Number(row.stepped_ms) };
}

/** Keeps the announced deletion of a table's partitions, or ends it. */
export async function storeHold(db: Database<unknown>, table: string, hold: Hold | undefined): Promise<void> {
  if (hold === undefined) await db.query(endHold, [table]);
  else await db.query(keepHold, [table, hold.sinceMs, hold.steppedMs]);
}
