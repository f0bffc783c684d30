import { sql } from "kysely";
import { type Database, ensureRangePartitions, listRangePartitions, quoteTable } from "../../../shared/db/index.ts";
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

/** Makes the partitions that these IDs need: of requests whose time lies outside of what was made ahead. */
export async function ensureForIds(
  db: Database<unknown>,
  { table, lengthMs }: PartitionedTable,
  ids: readonly bigint[],
): Promise<void> {
  await ensure(db, table, partitionsOf(ids, { lengthMs, prefix: prefixOf(table) }));
}

async function ensure(db: Database<unknown>, table: string, plans: readonly PartitionPlan[]): Promise<void> {
  const existing = await listRangePartitions(db, table);
  const ranges = plans.flatMap((plan) => freePieces(plan, existing));
  if (ranges.length === 0) return;
  for (const { name } of await ensureRangePartitions(db, { table, ranges })) {
    // Rows only ever arrive: a full page stays full, and the visibility map, which spares index-only scans the heap,
    // is brought up to date by vacuum after every 5 % of growth instead of every 20 %.
    const settings =
      "fillfactor = 100, autovacuum_vacuum_insert_scale_factor = 0.05, autovacuum_analyze_scale_factor = 0.05";
    await sql.raw(`alter table ${quoteTable(`history.${name}`)} set (${settings})`).execute(db.kysely);
  }
}

function prefixOf(table: string): string {
  return table.slice("history.".length);
}
