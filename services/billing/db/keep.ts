import { type Database, statement } from "../../../shared/db/index.ts";
import type { BillingSchema } from "./schema.ts";

const ensure = statement(
  "billing_ensure_partitions",
  `select billing.ensure_ledger_partitions((extract(epoch from clock_timestamp()) * 1000)::bigint,
     (extract(epoch from clock_timestamp()) * 1000)::bigint + $1::bigint) as made`,
);

/** Makes the ledger's partitions for what comes within `aheadMs`; answers how many were missing. */
export async function ensureLedgerPartitions(db: Database<BillingSchema>, aheadMs: number): Promise<number> {
  const [row] = await db.query<{ made: number }>(ensure, [aheadMs]);
  return row?.made ?? 0;
}
