import {
  bigintArray,
  booleanArray,
  type Database,
  integerArray,
  statement,
  textArray,
} from "../../../shared/db/index.ts";
import type { BillableUsage } from "../../../shared/money.ts";
import type { UsagePart } from "../../../shared/units.ts";
import type { BillingSchema } from "./schema.ts";

/** One ending to enter. */
export interface NewSettlement {
  readonly requestId: bigint;
  readonly accountId: bigint;
  /** A charge or a release (domain/settlement.ts, ledgerKinds). */
  readonly kind: number;
  /** Nano-USD, 0 or more; 0 for a release. */
  readonly charge: bigint;
  /** Null: the reservation's. */
  readonly tariffId: number | null;
  /** Key and user, where the reservation is gone. */
  readonly keyId: bigint;
  readonly userId: string;
  readonly reason: string;
  /** Empty: none. */
  readonly errorCode: string;
  readonly usage: BillableUsage & { readonly estimated: boolean };
}

/** What came of it. */
export interface Settled {
  /** "now": by this call. "before": by an earlier one. Refused: the request, or its key, is another account's. */
  readonly outcome: "now" | "before" | "other_account" | "other_key";
  /** Nano-USD that were held. */
  readonly reserved: bigint;
  /** Nano-USD charged. */
  readonly billed: bigint;
  readonly reason: string;
}

const settle = statement(
  "billing_settle",
  `select * from billing.settle($1::bigint[], $2::bigint[], $3::integer[], $4::bigint[], $5::integer[], $6::bigint[],
     $7::text[], $8::text[], $9::text[], $10::boolean[], $11::bigint[], $12::bigint[], $13::bigint[], $14::bigint[],
     $15::bigint[], $16::bigint[], $17::bigint[], $18::bigint[], null, $19::integer)`,
  { idempotent: true },
);

interface Row {
  o_code: number[];
  o_reserved: (bigint | null)[];
  o_billed: (bigint | null)[] | null;
  o_reason: (string | null)[] | null;
}

const outcomes = ["now", "before", "other_account", "other_key"] as const;

/** A part that was not consumed is NULL, which takes no room in the ledger. */
function part(items: readonly NewSettlement[], name: UsagePart): Buffer {
  return bigintArray(items.map(({ usage }) => (usage[name] === 0n ? null : usage[name])));
}

/**
 * Enters the endings of a batch in one statement. No request ID may be twice among them.
 *
 * @param answerWaitMs how long a repeat of an Idempotency-Key waits for the charged request's answer to be stored.
 */
export async function settleAll(
  db: Database<BillingSchema>,
  items: readonly NewSettlement[],
  answerWaitMs: number,
): Promise<Settled[]> {
  const [row] = await db.query<Row>(settle, [
    bigintArray(items.map((item) => item.requestId)),
    bigintArray(items.map((item) => item.accountId)),
    integerArray(items.map((item) => item.kind)),
    bigintArray(items.map((item) => item.charge)),
    integerArray(items.map((item) => item.tariffId)),
    bigintArray(items.map((item) => (item.keyId === 0n ? null : item.keyId))),
    textArray(items.map((item) => item.userId || null)),
    textArray(items.map((item) => item.reason)),
    textArray(items.map((item) => item.errorCode || null)),
    booleanArray(items.map((item) => item.usage.estimated)),
    part(items, "inputTokens"),
    part(items, "cachedInputTokens"),
    part(items, "cacheWriteTokens"),
    part(items, "outputTokens"),
    part(items, "reasoningTokens"),
    part(items, "images"),
    part(items, "audioMs"),
    part(items, "characters"),
    answerWaitMs,
  ]);
  if (row === undefined) throw new Error("billing.settle gave no row");
  return items.map((item, i) => ({
    outcome: outcomes[row.o_code[i] ?? -1] ?? "other_account",
    reserved: row.o_reserved[i] ?? 0n,
    billed: row.o_billed?.[i] ?? item.charge,
    reason: row.o_reason?.[i] ?? item.reason,
  }));
}
