import { type Kysely, sql } from "kysely";

const statements = [
  `create function billing.tell_limits() returns trigger language plpgsql as $$
   begin
     perform pg_notify('billing_limits', tg_argv[0] || ' ' || (to_jsonb(new) ->> (tg_argv[0] || '_id')));
     return null;
   end $$`,
  // Column lists: the updates of Reserve and Settle name other columns and never call these.
  ...["account", "key"].map(
    (table) => `create trigger tell_limits after update of requests_per_minute, tokens_per_minute on billing.${table}
      for each row execute function billing.tell_limits('${table}')`,
  ),
];

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of statements) await sql.raw(statement).execute(db);
}
