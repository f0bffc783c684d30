import { bigintArray, type Database, integerArray, statement } from "../../../shared/db/index.ts";
import type { BillingSchema } from "./schema.ts";

/** A part of a reservation, for a request of its own. */
export interface Part {
  readonly requestId: bigint;
  /** Nano-USD, 0 or more. */
  readonly amount: bigint;
  readonly tariffId: number | null;
}

const split = statement(
  "billing_split",
  "select o_held from billing.split($1::bigint, $2::bigint, $3::bigint[], $4::bigint[], $5::integer[], $6::integer)",
  { idempotent: true },
);

/** Gives parts of a reservation away, in one statement; tells for each whether its request holds it. */
export async function splitReservation(
  db: Database<BillingSchema>,
  whole: { readonly accountId: bigint; readonly requestId: bigint },
  parts: readonly Part[],
  ttlMs: number,
): Promise<readonly boolean[]> {
  const [row] = await db.query<{ o_held: boolean[] }>(split, [
    whole.accountId,
    whole.requestId,
    bigintArray(parts.map(({ requestId }) => requestId)),
    bigintArray(parts.map(({ amount }) => amount)),
    integerArray(parts.map(({ tariffId }) => tariffId)),
    ttlMs,
  ]);
  return row?.o_held ?? [];
}
