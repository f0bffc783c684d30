import { type Selectable, sql } from "kysely";
import type { Queryable } from "../../../shared/db/index.ts";
import type { BillingSchema, KeyTable } from "./schema.ts";
import { insertSecret } from "./secrets.ts";

/** A row of `key`. */
export type KeyRow = Selectable<KeyTable>;

/** What may be changed of a key. */
export type KeyFields = Pick<
  KeyRow,
  | "name"
  | "scopes"
  | "allowed_models"
  | "allowed_cidrs"
  | "group_name"
  | "expires_at"
  | "requests_per_minute"
  | "tokens_per_minute"
  | "concurrent_requests"
  | "concurrent_jobs"
  | "daily_budget"
  | "monthly_budget"
>;

/** What may be said of a key when it is made. */
export type NewKey = KeyFields &
  Pick<KeyRow, "account_id" | "kind" | "prefix" | "user_id" | "created_with" | "tracked">;

/** Enters a key and its secret, within a transaction. Throws a unique violation where the secret is in use. */
export async function insertKey(trx: Queryable<BillingSchema>, key: NewKey, hash: Buffer): Promise<KeyRow> {
  const row = await trx.kysely.insertInto("key").values(key).returningAll().executeTakeFirstOrThrow();
  await insertSecret(trx, row.key_id, hash);
  return row;
}

/** The key of a stored hash, also of a secret that has ended. */
export function findKeyByHash(db: Queryable<BillingSchema>, hash: Buffer): Promise<KeyRow | undefined> {
  return db.kysely
    .selectFrom("key")
    .innerJoin("key_secret", "key_secret.key_id", "key.key_id")
    .selectAll("key")
    .where("key_secret.hash", "=", hash)
    .executeTakeFirst();
}

/** At most `limit` keys after an ID, of an account or of all (0n), in the order of their IDs. */
export function listKeys(
  db: Queryable<BillingSchema>,
  accountId: bigint,
  afterId: bigint,
  limit: number,
): Promise<KeyRow[]> {
  let query = db.kysely.selectFrom("key").selectAll().where("key_id", ">", afterId);
  if (accountId !== 0n) query = query.where("account_id", "=", accountId);
  return query.orderBy("key_id").limit(limit).execute();
}

/**
 * Locks a key, and before it its account, as every statement does that moves money: what the transaction then reads of
 * the key's reservations and charges stays as it is until its end. Undefined where there is no such key of the account.
 *
 * @param accountId 0n: whichever account it belongs to.
 */
export async function lockKey(
  trx: Queryable<BillingSchema>,
  keyId: bigint,
  accountId: bigint,
): Promise<KeyRow | undefined> {
  const owner = await trx.kysely.selectFrom("key").select("account_id").where("key_id", "=", keyId).executeTakeFirst();
  if (owner === undefined || (accountId !== 0n && owner.account_id !== accountId)) return undefined;
  await trx.kysely
    .selectFrom("account")
    .select("account_id")
    .where("account_id", "=", owner.account_id)
    .forNoKeyUpdate()
    .execute();
  return trx.kysely.selectFrom("key").selectAll().where("key_id", "=", keyId).forNoKeyUpdate().executeTakeFirst();
}

/** Changes the given fields of a locked key and, where its limits are among them, sets its counters anew. */
export async function updateKey(
  trx: Queryable<BillingSchema>,
  keyId: bigint,
  fields: Partial<KeyFields>,
): Promise<KeyRow> {
  if (Object.keys(fields).length > 0) {
    await trx.kysely.updateTable("key").set(fields).where("key_id", "=", keyId).execute();
  }
  if (fields.daily_budget !== undefined) await recount(trx, keyId);
  return trx.kysely.selectFrom("key").selectAll().where("key_id", "=", keyId).executeTakeFirstOrThrow();
}

/**
 * A key's counters are kept only while a budget or a limit of concurrent requests or jobs needs them, so they are counted from
 * the reservations and the ledger when one is set. The key must be locked by `lockKey`.
 */
async function recount(trx: Queryable<BillingSchema>, keyId: bigint): Promise<void> {
  await sql`
    with period as (
      select clock_timestamp() as now
    ), bounds as (
      select billing.day_of(now) as day, billing.month_of(now) as month,
        date_trunc('day', now, 'UTC') as day_start, date_trunc('month', now, 'UTC') as month_start
      from period
    ), open as (
      select coalesce(sum(amount), 0)::bigint as amount, coalesce(sum(slots), 0)::bigint as items,
        coalesce(sum(jobs), 0)::bigint as jobs
      from billing.reservation where key_id = ${keyId}
    ), spent as (
      select coalesce(-sum(l.amount) filter (where l.created_at >= b.day_start), 0)::bigint as day,
             coalesce(-sum(l.amount), 0)::bigint as month
      from bounds b
      join billing.ledger l on l.created_at >= b.month_start and l.key_id = ${keyId} and l.kind = 1
        and l.account_id = (select account_id from billing.key where key_id = ${keyId})
    )
    update billing.key k set
      tracked = k.concurrent_requests > 0 or k.concurrent_jobs > 0 or k.daily_budget > 0 or k.monthly_budget > 0,
      reserved = o.amount, open_count = o.items, open_jobs = o.jobs, day = b.day, day_spent = s.day, month = b.month, month_spent = s.month
    from bounds b, open o, spent s
    where k.key_id = ${keyId}`.execute(trx.kysely);
}

/** Replaces the visible prefix of a locked key. */
export async function setPrefix(trx: Queryable<BillingSchema>, keyId: bigint, prefix: string): Promise<KeyRow> {
  return trx.kysely
    .updateTable("key")
    .set({ prefix })
    .where("key_id", "=", keyId)
    .returningAll()
    .executeTakeFirstOrThrow();
}

/** Revokes a locked key; a time that it already has stays. */
export async function revokeKey(trx: Queryable<BillingSchema>, keyId: bigint): Promise<KeyRow> {
  return trx.kysely
    .updateTable("key")
    .set({ revoked_at: sql<Date>`coalesce(revoked_at, clock_timestamp())` })
    .where("key_id", "=", keyId)
    .returningAll()
    .executeTakeFirstOrThrow();
}
