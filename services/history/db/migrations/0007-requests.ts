import { sql } from "kysely";
import type { Migration } from "../../../../shared/db/index.ts";

const statements = [
  // What requests said, of accounts that want it kept. A table of its own, because its retention is, and because it may come before
  // its record.
  `create table history.request (
     request_id bigint not null,
     account_id bigint not null,
     bytes integer not null,
     truncated boolean not null,
     body bytea not null,
     primary key (request_id)
   ) partition by range (request_id)`,
  "alter table history.request alter column body set storage external",
  // As history.put_labels: behind the lock of batches, and nothing of what an owner has deleted.
  `create function history.put_request(
     p_request_id bigint, p_account_id bigint, p_bytes integer, p_truncated boolean, p_body bytea
   ) returns integer language plpgsql as $$
   declare
     stored integer;
   begin
     perform pg_advisory_xact_lock_shared(hashtextextended('history.deletion', 0));
     insert into history.request (request_id, account_id, bytes, truncated, body)
     select p_request_id, p_account_id, p_bytes, p_truncated, p_body
      where not exists (select from history.tombstone t
                         where t.request_id = p_request_id and (t.confirmed or t.account_id in (0, p_account_id)))
     on conflict (request_id) do nothing;
     get diagnostics stored = row_count;
     return stored;
   end $$`,
];

/** Where what requests said is kept. */
export const createRequests: Migration = {
  async up(db) {
    for (const statement of statements) await sql.raw(statement).execute(db);
  },
};
