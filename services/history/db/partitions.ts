import {
  type Database,
  ensureRangePartitions,
  listRangePartitions,
  sqlStateOf,
  sqlStates,
} from "../../../shared/db/index.ts";
import { freePieces, type PartitionPlan, partitionsFor, partitionsOf } from "../domain/partitions.ts";

/** A table that is partitioned by ID, and the length of its partitions. */
export interface PartitionedTable {
  readonly table: "history.record" | "history.payload" | "history.label" | "history.request";
  readonly lengthMs: number;
}

/** Partitions made ahead of time. More would be opened by every query for nothing; IDs beyond make their own when they come. */
const aheadPartitions = 1;

/** Makes the partitions of now and of the time ahead. */
export async function ensureAhead(
  db: Database<unknown>,
  { table, lengthMs }: PartitionedTable,
  nowMs: number,
): Promise<void> {
  const span = { fromMs: nowMs - lengthMs, toMs: nowMs + aheadPartitions * lengthMs };
  await ensure(db, table, partitionsFor(span, { lengthMs, prefix: prefixOf(table) }));
}

/** How often partitions are made for the same rows before what PostgreSQL says is taken as it is. */
const mostTimes = 3;

/**
 * Stores rows of these IDs, making partitions for IDs of a time that none was made for. Rows that are older than the retention
 * may see theirs go again before they are in it, when the maintenance of any replica runs just then: they make it anew.
 */
export async function storeInPartitions(
  { db, tables }: { readonly db: Database<unknown>; readonly tables: readonly PartitionedTable[] },
  ids: readonly bigint[],
  store: () => Promise<unknown>,
): Promise<void> {
  for (let time = 1; ; time += 1) {
    try {
      await store();
      return;
    } catch (error) {
      // PostgreSQL's way to say "no partition of relation found for row".
      if (time > mostTimes || sqlStateOf(error) !== sqlStates.checkViolation) throw error;
      let made = 0;
      for (const { table, lengthMs } of tables)
        made += await ensure(db, table, partitionsOf(ids, { lengthMs, prefix: prefixOf(table) }));
      // All were there, at the second time too: the row breaks another rule.
      if (made === 0 && time > 1) throw error;
    }
  }
}

/**
 * Rows only ever arrive: a full page stays full, and the visibility map, which spares index-only scans the heap, is brought
 * up to date by vacuum after every 5 % of growth instead of every 20 %.
 */
const storage = {
  fillfactor: 100,
  autovacuum_vacuum_insert_scale_factor: 0.05,
  autovacuum_analyze_scale_factor: 0.05,
};

/** Gives how many it made. */
async function ensure(db: Database<unknown>, table: string, plans: readonly PartitionPlan[]): Promise<number> {
  const existing = await listRangePartitions(db, table);
  const ranges = plans.flatMap((plan) => freePieces(plan, existing));
  if (ranges.length === 0) return 0;
  return (await ensureRangePartitions(db, { table, ranges, storage })).length;
}

function prefixOf(table: string): string {
  return table.slice("history.".length);
}
