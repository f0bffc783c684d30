import { sql } from "kysely";
import type { Queryable } from "../../../shared/db/index.ts";
import { type AccountRow, findAccount } from "./accounts.ts";
import type { KeyRow } from "./keys.ts";
import type { BillingSchema } from "./schema.ts";

/** A key and its account, and the day and the month that it is. */
export interface StandingRows {
  readonly key: KeyRow;
  readonly account: AccountRow;
  readonly today: number;
  readonly thisMonth: number;
}

/** Reads them; undefined where the account has no such key. */
export async function findStanding(
  db: Queryable<BillingSchema>,
  accountId: bigint,
  keyId: bigint,
): Promise<StandingRows | undefined> {
  const key = await db.kysely
    .selectFrom("key")
    .selectAll()
    .select([
      sql<number>`billing.day_of(clock_timestamp())`.as("today"),
      sql<number>`billing.month_of(clock_timestamp())`.as("this_month"),
    ])
    .where("key_id", "=", keyId)
    .where("account_id", "=", accountId)
    .executeTakeFirst();
  const account = key === undefined ? undefined : await findAccount(db, accountId);
  if (key === undefined || account === undefined) return undefined;
  return { key, account, today: key.today, thisMonth: key.this_month };
}
