import { CompiledQuery } from "kysely";
import type { Queryable } from "../../../shared/db/index.ts";
import type { AccountSize } from "../domain/audit-portions.ts";
import { summedColumns } from "./audit-columns.ts";
import { usageColumns } from "./columns.ts";
import type { BillingSchema } from "./schema.ts";

/** What is counted of the ledger, in one walk. */
const ledgerCounts = {
  entries: "count(*)",
  endings: "count(*) filter (where l.kind in (1, 2))",
  charges: "count(*) filter (where l.kind = 1)",
  listPrices: "count(l.list_price)",
  references: "count(l.reference)",
} as const;
export type LedgerCount = keyof typeof ledgerCounts;

/** What is counted of the ledger, by account. */
export interface CountedAccount extends AccountSize {
  readonly counts: Readonly<Record<LedgerCount, bigint>>;
}

/** Columns that are looked for in the ledger of each account: of those that do not occur no sums are made. */
const columns: readonly string[] = [...summedColumns, "tags"];
const amounts: readonly string[] = usageColumns;
const occurs = (column: string): string =>
  `count(${amounts.includes(column) ? `nullif(l.${column}, 0)` : `l.${column}`}) > 0`;

/** Counts the ledger. */
export async function countLedger(db: Queryable<BillingSchema>): Promise<readonly CountedAccount[]> {
  const counts = Object.entries(ledgerCounts).map(([name, count]) => `${count} as "${name}"`);
  const { rows } = await db.kysely.executeQuery<
    Record<LedgerCount, bigint> & { account_id: bigint; occurring: readonly boolean[] }
  >(
    CompiledQuery.raw(
      `select l.account_id, ${counts.join(", ")}, array[${columns.map(occurs).join(", ")}] as occurring
       from billing.ledger l group by l.account_id order by l.account_id`,
    ),
  );
  return rows.map(({ account_id: accountId, occurring, ...counts }) => ({
    accountId,
    entries: Number(counts.entries),
    occurring: columns.filter((_, i) => occurring[i]),
    counts,
  }));
}

/** What is counted of all accounts together. */
export const countOf = (accounts: readonly CountedAccount[], of: LedgerCount): bigint =>
  accounts.reduce((sum, { counts }) => sum + counts[of], 0n);
