import {
  bigintArray,
  booleanArray,
  byteaArray,
  type Database,
  integerArray,
  statement,
  textArray,
} from "../../../shared/db/index.ts";
import type { BillingSchema } from "./schema.ts";

/** One reservation to make. */
export interface NewReservation {
  readonly requestId: bigint;
  readonly accountId: bigint;
  readonly keyId: bigint;
  /** Generation of the secret that the caller showed; 0: not known, so not checked. */
  readonly secretGeneration: number;
  /** Nano-USD to hold, 0 or more. */
  readonly amount: bigint;
  readonly tariffId: number | null;
  /** Empty: none. */
  readonly userId: string;
  /** Hash of the Idempotency-Key and digest of the request, where there is a key. */
  readonly idempotency: { readonly keyHash: Uint8Array; readonly digest: Uint8Array } | undefined;
  /** It is a job, which takes none of the slots of concurrent requests. */
  readonly job: boolean;
}

/** What came of it. */
export interface Reserved {
  /** One of domain/verdict.ts. */
  readonly code: number;
  /** Credit left, the limit reached, or the request to replay: by the code. */
  readonly detail: bigint;
  /** True: refused for nothing but what other requests hold, which their settlement gives back. */
  readonly held: boolean;
  /** Nano-USD held; by an earlier call where the code is `repeated`. */
  readonly amount: bigint;
  /** Unix milliseconds. */
  readonly expiresMs: bigint;
}

const reserve = statement(
  "billing_reserve",
  `select * from billing.reserve($1::bigint[], $2::bigint[], $3::bigint[], $4::integer[], $5::bigint[], $6::integer[],
     $7::text[], $8::bytea[], $9::bytea[], $10::boolean[], $11::integer)`,
  { idempotent: true },
);

const reserveOne = statement(
  "billing_reserve_one",
  `select * from billing.reserve_one($1::bigint, $2::bigint, $3::bigint, $4::integer, $5::bigint, $6::integer,
     $7::text, $8::integer)`,
  { idempotent: true },
);

interface Row {
  o_code: number[];
  o_detail: (bigint | null)[];
  o_held: boolean[] | null;
  o_reserved: (bigint | null)[] | null;
  o_expires_ms: (bigint | null)[] | null;
  o_expires_default_ms: bigint;
}

/** Makes the reservations of a batch in one statement, a quicker one where a single item came. No request ID and no idempotency key may be twice among them. */
export async function reserveAll(
  db: Database<BillingSchema>,
  items: readonly NewReservation[],
  ttlMs: number,
): Promise<Reserved[]> {
  const [first] = items;
  const plainOne = first !== undefined && items.length === 1 && first.idempotency === undefined && !first.job;
  const [row] = plainOne
    ? await db.query<Row>(reserveOne, [
        first.requestId,
        first.accountId,
        first.keyId,
        first.secretGeneration,
        first.amount,
        first.tariffId,
        first.userId || null,
        ttlMs,
      ])
    : await queryAll(db, items, ttlMs);
  if (row === undefined) throw new Error("billing.reserve gave no row");
  return items.map((item, i) => ({
    code: row.o_code[i] ?? -1,
    detail: row.o_detail[i] ?? 0n,
    held: row.o_held?.[i] ?? false,
    amount: row.o_reserved?.[i] ?? item.amount,
    expiresMs: row.o_expires_ms?.[i] ?? row.o_expires_default_ms,
  }));
}

function queryAll(db: Database<BillingSchema>, items: readonly NewReservation[], ttlMs: number): Promise<Row[]> {
  const idempotent = items.some((item) => item.idempotency !== undefined);
  return db.query<Row>(reserve, [
    bigintArray(items.map((item) => item.requestId)),
    bigintArray(items.map((item) => item.accountId)),
    bigintArray(items.map((item) => item.keyId)),
    integerArray(items.map((item) => item.secretGeneration)),
    bigintArray(items.map((item) => item.amount)),
    integerArray(items.map((item) => item.tariffId)),
    textArray(items.map((item) => item.userId || null)),
    idempotent ? byteaArray(items.map((item) => item.idempotency?.keyHash)) : null,
    idempotent ? byteaArray(items.map((item) => item.idempotency?.digest)) : null,
    items.some(({ job }) => job) ? booleanArray(items.map(({ job }) => job)) : null,
    ttlMs,
  ]);
}
