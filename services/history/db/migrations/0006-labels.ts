import { sql } from "kysely";
import type { Migration } from "../../../../shared/db/index.ts";

const statements = [
  // What clients say of their requests, and the IDs that they know them by: a row for each tag, end user and ID. A table of its
  // own, so that requests without any cost nothing, and partitioned and dropped as the records are. kind: see db/labels.ts.
  `create table history.label (
     request_id bigint not null,
     account_id bigint not null,
     hash bigint not null,
     kind smallint not null,
     value text collate "C" not null,
     primary key (request_id, kind, hash)
   ) partition by range (request_id)`,
  // An account finds its own, newest first, whatever others call theirs; the second is for operators.
  "create index label_account on history.label (hash, account_id, request_id)",
  "create index label_all on history.label (hash, request_id)",
  // Takes the lock of batches, for whoever deletes waits until those that began before it have ended. What an owner has deleted gets
  // no labels: its record is not stored either.
  `create function history.put_labels(
     p_request_id bigint[], p_account_id bigint[], p_hash bigint[], p_kind integer[], p_value text[]
   ) returns integer language plpgsql as $$
   declare
     stored integer;
   begin
     perform pg_advisory_xact_lock_shared(hashtextextended('history.deletion', 0));
     insert into history.label (request_id, account_id, hash, kind, value)
     select i.* from unnest(p_request_id, p_account_id, p_hash, p_kind, p_value) as i(request_id, account_id, hash, kind, value)
      where not exists (select from history.tombstone t
                         where t.request_id = i.request_id and (t.confirmed or t.account_id in (0, i.account_id)))
     on conflict (request_id, kind, hash) do nothing;
     get diagnostics stored = row_count;
     return stored;
   end $$`,
];

/** Labels of requests, to find and to show them by. */
export const createLabels: Migration = {
  async up(db) {
    for (const statement of statements) await sql.raw(statement).execute(db);
  },
};
