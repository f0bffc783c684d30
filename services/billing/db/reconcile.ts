import { sql } from "kysely";
import { type Database, statement } from "../../../shared/db/index.ts";
import { selectEntries } from "./ledger.ts";
import type { BillingSchema } from "./schema.ts";

/** A span of the ledger's time; PostgreSQL's own text, for a Date would lose the microseconds. */
export interface Span {
  readonly from: string;
  /** Exclusive. */
  readonly to: string;
}

const claim = statement(
  "billing_claim_reconcile",
  `update billing.job set holder = $1::text, held_until = clock_timestamp() + $2::integer * interval '1 millisecond'
   where name = 'reconcile' and (holder = $1::text or held_until < clock_timestamp())
   returning position::text as "from",
     least(position + $3::double precision * interval '1 millisecond',
           clock_timestamp() - $4::integer * interval '1 millisecond')::text as "to",
     position < clock_timestamp() - $4::integer * interval '1 millisecond' as due`,
);
const advance = statement(
  "billing_advance_reconcile",
  "update billing.job set position = $2::timestamptz where name = 'reconcile' and holder = $1::text",
);
const ended = statement(
  "billing_ended_requests",
  `select distinct entry_id from billing.ledger
   where created_at >= $1::timestamptz and created_at < $2::timestamptz and kind in (1, 2) limit $3::integer`,
  { idempotent: true },
);

/**
 * Takes or keeps the reconciler's work for `holdMs` and answers the next span of at most `spanMs` that is older than
 * `lagMs`; undefined while another replica holds it or nothing is due.
 */
export async function claimSpan(
  db: Database<BillingSchema>,
  { holder, holdMs, spanMs, lagMs }: { holder: string; holdMs: number; spanMs: number; lagMs: number },
): Promise<Span | undefined> {
  const [row] = await db.query<Span & { due: boolean }>(claim, [holder, holdMs, spanMs, lagMs]);
  return row?.due === true ? row : undefined;
}

/** Notes that all before `position` is done, if the holder still holds the work. */
export async function advanceTo(db: Database<BillingSchema>, holder: string, position: string): Promise<void> {
  await db.query(advance, [holder, position]);
}

/** At most `limit` requests that ended in a span. */
export async function endedIn(db: Database<BillingSchema>, { from, to }: Span, limit: number): Promise<bigint[]> {
  const rows = await db.query<{ entry_id: bigint }>(ended, [from, to, limit]);
  return rows.map((row) => row.entry_id);
}

/** An entry with the kind of its key. */
export type EndedRow = Awaited<ReturnType<typeof entriesOf>>[number];

/** The charges and releases of requests. */
export function entriesOf(db: Database<BillingSchema>, requestIds: readonly bigint[]) {
  return selectEntries(db)
    .leftJoin("key as k", "k.key_id", "l.key_id")
    .select(["k.kind as key_kind", "l.end_user", "l.tags"])
    .where("l.kind", "in", [1, 2])
    .where("l.entry_id", "=", sql<bigint>`any (${[...requestIds]}::bigint[])`)
    .execute();
}
