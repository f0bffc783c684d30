import { type Kysely, sql } from "kysely";

/** One row: what the pepper of the stored keys makes of a fixed text. It tells a wrong pepper, and nothing of the right one. */
const statements = [
  `create table billing.pepper_check (
    one boolean primary key default true check (one),
    digest bytea not null,
    made_at timestamptz not null default now()
  )`,
  "grant select, insert, update on billing.pepper_check to throughline_billing",
];

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of statements) await sql.raw(statement).execute(db);
}
