import type { Selectable } from "kysely";
import { type Database, statement } from "../../../shared/db/index.ts";
import type { BillingSchema, LedgerTable } from "./schema.ts";

/** A row of `ledger`. */
export type LedgerRow = Selectable<LedgerTable>;

const addCredit = statement(
  "billing_add_credit",
  "select * from billing.add_credit($1::bigint, $2::integer, $3::bigint, $4::text, $5::text, $6::text)",
);

/** A top-up or an adjustment. */
export interface Credit {
  readonly accountId: bigint;
  /** domain/settlement.ts, ledgerKinds. */
  readonly kind: number;
  /** Nano-USD, not 0. */
  readonly amount: bigint;
  readonly actor: string;
  readonly reason: string;
  /** Empty: none. */
  readonly reference: string;
}

/**
 * Enters credit and answers the ledger's entry: the first one's where the account's reference was entered before (it may
 * differ from what is asked). Undefined where there is no such account.
 */
export async function enterCredit(db: Database<BillingSchema>, credit: Credit): Promise<LedgerRow | undefined> {
  const [row] = await db.query<LedgerRow>(addCredit, [
    credit.accountId,
    credit.kind,
    credit.amount,
    credit.actor,
    credit.reason,
    credit.reference || null,
  ]);
  return row;
}
