import {
  bigintArray,
  booleanArray,
  type Database,
  integerArray,
  jsonbArray,
  statement,
  textArray,
} from "../../../shared/db/index.ts";
import type { BillableUsage } from "../../../shared/money/usage.ts";
import type { UsagePart } from "../../../shared/units.ts";
import { quantitiesText, traitsText } from "../domain/vectors.ts";
import { storedFacts, usageParts } from "./columns.ts";
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
  /** Nano-USD that the usage costs by the vendor's list; undefined: not known. */
  readonly listPrice: bigint | undefined;
  /** Whom the request named, or whose the key is. Empty: nobody. */
  readonly endUser: string;
  readonly tags: readonly string[];
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
  /** Nano-USD by the vendor's list; undefined: not known, or settled before. */
  readonly listPrice: bigint | undefined;
}

const types: readonly string[] = [
  ...["bigint", "bigint", "integer", "bigint", "integer", "bigint", "text", "text", "text", "boolean"],
  ...storedFacts.map(({ type }) => type),
];

const settle = statement(
  "billing_settle",
  `select * from billing.settle(${types.map((type, i) => `$${i + 1}::${type}[]`).join(", ")}, null, $${types.length + 1}::integer)`,
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
function amounts(items: readonly NewSettlement[], part: UsagePart): Buffer {
  return bigintArray(items.map(({ usage }) => (usage[part] === 0n ? null : usage[part])));
}

/** Most batches have none, and send none. */
function jsonOrNone(texts: readonly (string | undefined)[]): Buffer | null {
  return texts.some((text) => text !== undefined) ? jsonbArray(texts) : null;
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
    ...usageParts.map(({ part }) => amounts(items, part)),
    jsonOrNone(items.map(({ usage }) => quantitiesText(usage.more))),
    jsonOrNone(items.map(({ usage }) => traitsText(usage.traits))),
    bigintArray(items.map(({ listPrice }) => listPrice ?? null)),
    items.some(({ endUser }) => endUser !== "") ? textArray(items.map(({ endUser }) => endUser || null)) : null,
    jsonOrNone(items.map(({ tags }) => (tags.length === 0 ? undefined : JSON.stringify(tags)))),
    answerWaitMs,
  ]);
  if (row === undefined) throw new Error("billing.settle gave no row");
  return items.map((item, i) => ({
    outcome: outcomes[row.o_code[i] ?? -1] ?? "other_account",
    listPrice: row.o_code[i] === 0 ? item.listPrice : undefined,
    reserved: row.o_reserved[i] ?? 0n,
    billed: row.o_billed?.[i] ?? item.charge,
    reason: row.o_reason?.[i] ?? item.reason,
  }));
}
