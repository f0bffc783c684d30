import { type Kysely, sql } from "kysely";

/**
 * Administration keys reach their own account alone, unless it is an operator's. Until now every administration key
 * reached everything: those of the account that a deployment starts with go on doing so, all others are confined.
 */
const statements = [
  "alter table billing.account add column operator boolean not null default false",
  "update billing.account set operator = true where account_id = 1 or name = 'default'",
];

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of statements) await sql.raw(statement).execute(db);
}
