import type { Selectable } from "kysely";
import type { Queryable } from "../../../shared/db/index.ts";
import type { AccountTable, BillingSchema } from "./schema.ts";

/** A row of `account`. */
export type AccountRow = Selectable<AccountTable>;

/** What may be said of an account when it is made or changed. */
export type AccountFields = Pick<
  AccountRow,
  | "name"
  | "group_name"
  | "state"
  | "credit_floor"
  | "disconnect_policy"
  | "store_response"
  | "store_request"
  | "operator"
  | "requests_per_minute"
  | "tokens_per_minute"
  | "concurrent_requests"
  | "concurrent_jobs"
  | "daily_budget"
  | "monthly_budget"
>;

/** Enters a new account; undefined where the name is taken. */
export function insertAccount(
  db: Queryable<BillingSchema>,
  fields: AccountFields & { created_with: Buffer },
): Promise<AccountRow | undefined> {
  return db.kysely
    .insertInto("account")
    .values(fields)
    .onConflict((conflict) => conflict.column("name").doNothing())
    .returningAll()
    .executeTakeFirst();
}

/** Changes the given fields of an account; undefined where there is none. */
export function updateAccount(
  db: Queryable<BillingSchema>,
  accountId: bigint,
  fields: Partial<AccountFields>,
): Promise<AccountRow | undefined> {
  if (Object.keys(fields).length === 0) return findAccount(db, accountId);
  return db.kysely
    .updateTable("account")
    .set(fields)
    .where("account_id", "=", accountId)
    .returningAll()
    .executeTakeFirst();
}

/** An account by its ID. */
export function findAccount(db: Queryable<BillingSchema>, accountId: bigint): Promise<AccountRow | undefined> {
  return db.kysely.selectFrom("account").selectAll().where("account_id", "=", accountId).executeTakeFirst();
}

/** An account by its name. */
export function findAccountByName(db: Queryable<BillingSchema>, name: string): Promise<AccountRow | undefined> {
  return db.kysely.selectFrom("account").selectAll().where("name", "=", name).executeTakeFirst();
}

/** At most `limit` accounts after an ID, in the order of their IDs. */
export function listAccounts(db: Queryable<BillingSchema>, afterId: bigint, limit: number): Promise<AccountRow[]> {
  return db.kysely
    .selectFrom("account")
    .selectAll()
    .where("account_id", ">", afterId)
    .orderBy("account_id")
    .limit(limit)
    .execute();
}
