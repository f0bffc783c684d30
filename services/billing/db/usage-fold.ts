import { type Queryable, statement } from "../../../shared/db/index.ts";
import type { BillingSchema } from "./schema.ts";

const fold = statement("billing_fold_usage", "select o_folded, o_more from billing.fold_usage($1::integer)");

/** Adds at most `limit` entries of the ledger to the sums of usage; true: there are more. False while another replica does it. */
export async function foldUsage(db: Queryable<BillingSchema>, limit: number): Promise<boolean> {
  const [row] = await db.query<{ o_more: boolean }>(fold, [limit]);
  return row?.o_more ?? false;
}
