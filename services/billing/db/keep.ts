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

const held = statement(
  "billing_held",
  "select count(*) as reservations, coalesce(sum(amount), 0)::bigint as nano_usd from billing.reservation",
  { idempotent: true },
);

/** Open reservations and what they hold. As numbers: they are for gauges, not for money. */
export async function heldNow(db: Database<BillingSchema>): Promise<{ reservations: number; nanoUsd: number }> {
  const [row] = await db.query<{ reservations: bigint; nano_usd: bigint }>(held, []);
  return { reservations: Number(row?.reservations ?? 0n), nanoUsd: Number(row?.nano_usd ?? 0n) };
}
