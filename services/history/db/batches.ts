import { type Database, statement } from "../../../shared/db/index.ts";

const wait = statement(
  "history.batches.wait",
  "select pg_advisory_xact_lock(hashtextextended('history.deletion', 0))",
  { idempotent: true },
);

/**
 * Waits for the batches of records that are being stored; see `put_records`. A statement of its own, so that it holds nobody
 * up for longer than that.
 */
export async function waitForBatches(db: Pick<Database<unknown>, "query">): Promise<void> {
  await db.query(wait, []);
}
