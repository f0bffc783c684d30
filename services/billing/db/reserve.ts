import {
  bigintArray,
  booleanArray,
  byteaArray,
  integerArray,
  type Queryable,
  type Statement,
  statement,
  textArray,
} from "../../../shared/db/index.ts";
import { reserveGroups } from "../domain/reserve-groups.ts";
import { verdicts } from "../domain/verdict.ts";

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

const judging = (name: "reserve" | "reserve_each") =>
  statement(
    `billing_${name}`,
    `select * from billing.${name}($1::bigint[], $2::bigint[], $3::bigint[], $4::integer[], $5::bigint[], $6::integer[],
       $7::text[], $8::bytea[], $9::bytea[], $10::boolean[], $11::integer)`,
    { idempotent: true },
  );
/** What is likely to be refused: one statement, whatever comes of it. */
const reserve = judging("reserve");
/** What is out of the ordinary, or was refused as a whole. */
const reserveEach = judging("reserve_each");

const reservePlain = statement(
  "billing_reserve_plain",
  `select billing.reserve_plain($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::integer[], $6::text[],
     $7::bigint[], $8::bigint[], $9::bigint[], $10::bigint[], $11::integer[], $12::integer[], $13::integer[], $14::integer[],
     $15::bigint, $16::bigint, $17::integer) as expires_ms`,
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

type Db = Pick<Queryable<unknown>, "query">;

/**
 * Makes the reservations of a batch in one statement, a quicker one where nothing is out of the ordinary. A batch in which something
 * is refused takes a second one. No request ID and no idempotency key may be twice among them.
 *
 * @param again they were refused before, and probably will be: they take one statement in any case.
 */
export async function reserveAll(
  db: Db,
  items: readonly NewReservation[],
  ttlMs: number,
  again = false,
): Promise<Reserved[]> {
  const [first] = items;
  const plain = items.every(({ idempotency, job }) => idempotency === undefined && !job);
  if (plain && !again && items.length > 1) {
    const expiresMs = await queryPlain(db, items, ttlMs);
    if (expiresMs !== null) {
      return items.map(({ amount }) => ({ code: verdicts.reserved, detail: 0n, held: false, amount, expiresMs }));
    }
  }
  const [row] =
    plain && first !== undefined && items.length === 1
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
      : await queryEach(db, again ? reserve : reserveEach, items, ttlMs);
  if (row === undefined) throw new Error("billing.reserve_each gave no row");
  return items.map((item, i) => ({
    code: row.o_code[i] ?? -1,
    detail: row.o_detail[i] ?? 0n,
    held: row.o_held?.[i] ?? false,
    amount: row.o_reserved?.[i] ?? item.amount,
    expiresMs: row.o_expires_ms?.[i] ?? row.o_expires_default_ms,
  }));
}

const most = 2n ** 63n - 1n;

/** When all of them expire; null: something among them must be judged by itself, and nothing was done. */
async function queryPlain(db: Db, items: readonly NewReservation[], ttlMs: number): Promise<bigint | null> {
  const groups = reserveGroups(items);
  if (groups.some(({ ofAccount }) => ofAccount.amount > most)) return null;
  const ids = items.map((item) => item.requestId);
  const [row] = await db.query<{ expires_ms: bigint | null }>(reservePlain, [
    bigintArray(ids),
    bigintArray(items.map((item) => item.accountId)),
    bigintArray(items.map((item) => item.keyId)),
    bigintArray(items.map((item) => item.amount)),
    integerArray(items.map((item) => item.tariffId)),
    textArray(items.map((item) => item.userId || null)),
    bigintArray(groups.map((group) => group.accountId)),
    bigintArray(groups.map((group) => group.keyId)),
    bigintArray(groups.map((group) => group.ofAccount.amount)),
    bigintArray(groups.map((group) => group.ofKey.amount)),
    integerArray(groups.map((group) => group.secretGeneration)),
    integerArray(groups.map((group) => group.tariffId)),
    integerArray(groups.map((group) => group.ofAccount.items)),
    integerArray(groups.map((group) => group.ofKey.items)),
    ...boundsOf(ids),
    ttlMs,
  ]);
  return row?.expires_ms ?? null;
}

function boundsOf(ids: readonly bigint[]): [low: bigint, high: bigint] {
  let [low = 0n] = ids;
  let high = low;
  for (const id of ids) {
    if (id < low) low = id;
    if (id > high) high = id;
  }
  return [low, high];
}

function queryEach(db: Db, by: Statement, items: readonly NewReservation[], ttlMs: number): Promise<Row[]> {
  const idempotent = items.some((item) => item.idempotency !== undefined);
  return db.query<Row>(by, [
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
