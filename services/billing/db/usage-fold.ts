import { type Queryable, statement } from "../../../shared/db/index.ts";
import type { BillingSchema } from "./schema.ts";

const folds = [
  statement("billing_fold_usage", "select o_folded, o_more from billing.fold_usage($1::integer)"),
  statement("billing_fold_labels", "select o_folded, o_more from billing.fold_labels($1::integer)"),
];

/**
 * Adds at most `limit` entries of the ledger to the sums of usage, and as many to those by end user and tag; true: there are more.
 * False while another replica does it.
 */
export async function foldUsage(db: Queryable<BillingSchema>, limit: number): Promise<boolean> {
  let more = false;
  for (const fold of folds) {
    const [row] = await db.query<{ o_more: boolean }>(fold, [limit]);
    more ||= row?.o_more ?? false;
  }
  return more;
}
