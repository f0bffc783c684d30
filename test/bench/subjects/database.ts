import { auditLedger } from "../../../services/billing/db/audit.ts";
import type { BillingSchema } from "../../../services/billing/db/schema.ts";
import { createDatabase, type Database, statement } from "../../../shared/db/index.ts";
import type { Kept } from "./subject.ts";

const countCharges = statement(
  "bench_charges",
  "select count(*) as n from billing.ledger where tariff_id is not null and amount < 0",
);
const countRecords = statement("bench_records", "select count(*) as n from history.record where status = 4");
const countOpen = statement("bench_open", "select count(*) as n from billing.reservation");
const walWritten = statement("bench_wal", "select (pg_current_wal_insert_lsn() - '0/0'::pg_lsn)::text as bytes");

/** What is on the books, and whether they are sound. */
export function kept(url: string): Promise<Kept> {
  return withDatabase(url, async (db) => {
    const count = async (which: typeof countCharges): Promise<number> =>
      Number((await db.query<{ n: bigint }>(which, []))[0]?.n ?? 0n);
    const charges = await count(countCharges);
    const records = await count(countRecords);
    const checks = await auditLedger(db);
    const sound = checks.every(({ offending }) => offending.length === 0);
    return { charges, records, balanced: sound && (await count(countOpen)) === 0 };
  });
}

/** Bytes of the write-ahead log since there is one. */
export function walBytes(url: string): Promise<number> {
  return withDatabase(url, async (db) => Number((await db.query<{ bytes: string }>(walWritten, []))[0]?.bytes));
}

async function withDatabase<T>(url: string, run: (db: Database<BillingSchema>) => Promise<T>): Promise<T> {
  // A log of ours would stay with the process for each look.
  const log = { warn: () => undefined, info: () => undefined, error: () => undefined, debug: () => undefined };
  const db = createDatabase<BillingSchema>({
    url,
    schema: "billing",
    maxConnections: 1,
    applicationName: "bench",
    log,
  });
  try {
    return await run(db);
  } finally {
    await db.close();
  }
}
