import { sql } from "kysely";
import type { Queryable } from "../../../shared/db/index.ts";
import type { BillingSchema } from "./schema.ts";

/** A secret of a key, as far as rotations ask. */
export interface SecretRow {
  /** null: until the key is rotated. */
  readonly valid_until: Date | null;
  readonly ended: boolean;
}

/** Enters one more secret of a key. Throws a unique violation where the secret is in use. */
export async function insertSecret(trx: Queryable<BillingSchema>, keyId: bigint, hash: Buffer): Promise<void> {
  await trx.kysely.insertInto("key_secret").values({ key_id: keyId, hash, valid_until: null }).execute();
}

/** The secret of a key by its stored hash; undefined: the key has no such secret. */
export function findSecret(trx: Queryable<BillingSchema>, keyId: bigint, hash: Buffer): Promise<SecretRow | undefined> {
  return trx.kysely
    .selectFrom("key_secret")
    .select(["valid_until", sql<boolean>`valid_until <= clock_timestamp() is true`.as("ended")])
    .where("hash", "=", hash)
    .where("key_id", "=", keyId)
    .executeTakeFirst();
}

/** Gives all secrets of a key that still work an end, where they have none that is earlier. */
export async function endSecrets(trx: Queryable<BillingSchema>, keyId: bigint, overlapMs: number): Promise<void> {
  await sql`
    update billing.key_secret set valid_until = clock_timestamp() + ${overlapMs} * interval '1 millisecond'
    where key_id = ${keyId}
      and (valid_until is null or valid_until > clock_timestamp() + ${overlapMs} * interval '1 millisecond')`.execute(
    trx.kysely,
  );
}

/** When all secrets of a key that were replaced have ended; undefined: none was. */
export async function oldSecretsEnd(trx: Queryable<BillingSchema>, keyId: bigint): Promise<Date | undefined> {
  const row = await trx.kysely
    .selectFrom("key_secret")
    .select(({ fn }) => fn.max("valid_until").as("end"))
    .where("key_id", "=", keyId)
    .executeTakeFirst();
  return row?.end ?? undefined;
}

/** How many secrets of a key were made within the last day, and how old the eldest of them is. */
export async function secretsOfADay(
  trx: Queryable<BillingSchema>,
  keyId: bigint,
): Promise<{ readonly made: number; readonly eldestAgeMs: number }> {
  return trx.kysely
    .selectFrom("key_secret")
    .select([
      sql<number>`count(*)::int`.as("made"),
      sql<number>`coalesce(extract(epoch from clock_timestamp() - min(created_at)) * 1000, 0)::float8`.as(
        "eldestAgeMs",
      ),
    ])
    .where("key_id", "=", keyId)
    .where(sql<boolean>`created_at > clock_timestamp() - interval '1 day'`)
    .executeTakeFirstOrThrow();
}
