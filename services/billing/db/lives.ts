import { bigintArray, type Database, statement } from "../../../shared/db/index.ts";
import type { BillingSchema } from "./schema.ts";

const sweep = statement("billing_sweep", "select o_request from billing.sweep($1::integer)");
const extend = statement("billing_extend", "select o_gone from billing.extend($1::bigint[], $2::integer)", {
  idempotent: true,
});

/** Releases at most `limit` reservations past their life and answers whose they were. Empty while another replica sweeps. */
export async function sweepExpired(db: Database<BillingSchema>, limit: number): Promise<bigint[]> {
  const [row] = await db.query<{ o_request: bigint[] }>(sweep, [limit]);
  return row?.o_request ?? [];
}

/** Gives open reservations another life from now on; answers those that are not open. */
export async function extendAll(
  db: Database<BillingSchema>,
  requestIds: readonly bigint[],
  ttlMs: number,
): Promise<bigint[]> {
  if (requestIds.length === 0) return [];
  const [row] = await db.query<{ o_gone: bigint[] }>(extend, [bigintArray(requestIds), ttlMs]);
  return row?.o_gone ?? [];
}
