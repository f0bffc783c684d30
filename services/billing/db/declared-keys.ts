import { sql } from "kysely";
import type { Queryable } from "../../../shared/db/index.ts";
import type { KeyRow } from "./keys.ts";
import type { BillingSchema } from "./schema.ts";

/** Lets one process at a time bring keys into line, until the end of the transaction. */
export async function lockDeclarations(trx: Queryable<BillingSchema>): Promise<void> {
  await sql`select pg_advisory_xact_lock(hashtextextended('throughline billing declared keys', 0))`.execute(trx.kysely);
}

/** Keys of an account that have a name, those that are not revoked first, then by age. */
export function findKeysByName(trx: Queryable<BillingSchema>, accountId: bigint, name: string): Promise<KeyRow[]> {
  return trx.kysely
    .selectFrom("key")
    .selectAll()
    .where("account_id", "=", accountId)
    .where("name", "=", name)
    .orderBy(sql`revoked_at is not null`)
    .orderBy("key_id")
    .execute();
}

/** Which of these hashes belong to which keys. */
export function findOwners(
  trx: Queryable<BillingSchema>,
  hashes: readonly Buffer[],
): Promise<{ hash: Buffer; key_id: bigint }[]> {
  return trx.kysely.selectFrom("key_secret").select(["hash", "key_id"]).where("hash", "in", hashes).execute();
}

/**
 * Makes these the secrets of a locked key that work, and no others. True: something was changed. The key's generation moves
 * on when one ends: Reserve takes a request whose secret is of the newest generation without a look at its end.
 */
export async function alignSecrets(
  trx: Queryable<BillingSchema>,
  keyId: bigint,
  hashes: readonly Buffer[],
): Promise<boolean> {
  const rows = await trx.kysely
    .selectFrom("key_secret")
    .select([
      "hash",
      sql<boolean>`valid_until is null`.as("stays"),
      sql<boolean>`valid_until <= clock_timestamp() is true`.as("ended"),
    ])
    .where("key_id", "=", keyId)
    .execute();
  const wanted = (hash: Buffer): boolean => hashes.some((one) => one.equals(hash));
  const known = (hash: Buffer): boolean => rows.some((row) => row.hash.equals(hash));
  const missing = hashes.filter((hash) => !known(hash));
  const revived = rows.filter(({ hash, stays }) => wanted(hash) && !stays).map(({ hash }) => hash);
  const over = rows.filter(({ hash, ended }) => !wanted(hash) && !ended).map(({ hash }) => hash);
  for (const hash of missing) {
    await trx.kysely.insertInto("key_secret").values({ key_id: keyId, hash, valid_until: null }).execute();
  }
  if (revived.length > 0) {
    await trx.kysely
      .updateTable("key_secret")
      .set({ valid_until: null })
      .where("key_id", "=", keyId)
      .where("hash", "in", revived)
      .execute();
  }
  if (over.length > 0) {
    await trx.kysely
      .updateTable("key_secret")
      .set({ valid_until: sql<Date>`clock_timestamp()` })
      .where("key_id", "=", keyId)
      .where("hash", "in", over)
      .execute();
    await trx.kysely
      .updateTable("key")
      .set({ generation: sql<number>`generation + 1` })
      .where("key_id", "=", keyId)
      .execute();
  }
  return missing.length + revived.length + over.length > 0;
}
