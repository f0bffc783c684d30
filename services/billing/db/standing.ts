import { sql } from "kysely";
import type { Queryable } from "../../../shared/db/index.ts";
import { type AccountRow, findAccount } from "./accounts.ts";
import type { KeyRow } from "./keys.ts";
import type { BillingSchema } from "./schema.ts";

/** The day and the month that it is, as the counters number them. */
export interface Periods {
  readonly today: number;
  readonly thisMonth: number;
}

/** A key and its account, and when that was. */
export interface StandingRows extends Periods {
  readonly key: KeyRow;
  readonly account: AccountRow;
}

const day = sql<number>`billing.day_of(clock_timestamp())`;
const month = sql<number>`billing.month_of(clock_timestamp())`;

/** The day and the month that it is. */
export function findPeriods(db: Queryable<BillingSchema>): Promise<Periods> {
  return db.kysely.selectNoFrom([day.as("today"), month.as("thisMonth")]).executeTakeFirstOrThrow();
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
    .select([day.as("today"), month.as("this_month")])
    .where("key_id", "=", keyId)
    .where("account_id", "=", accountId)
    .executeTakeFirst();
  const account = key === undefined ? undefined : await findAccount(db, accountId);
  if (key === undefined || account === undefined) return undefined;
  return { key, account, today: key.today, thisMonth: key.this_month };
}
