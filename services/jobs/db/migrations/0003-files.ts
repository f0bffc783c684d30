import { type Kysely, sql } from "kysely";
import type { Migration } from "../../../../shared/db/index.ts";

/** Files that clients upload, and those that batches make. */
export const files: Migration = {
  async up(db: Kysely<unknown>): Promise<void> {
    for (const statement of statements) await sql.raw(statement).execute(db);
  },
};

const statements = [
  // A file is there as soon as its object is whole, and goes with it.
  `create table jobs.file (
    file_id bigint primary key references jobs.object on delete cascade,
    account_id bigint not null,
    key_id bigint not null,
    user_id text not null,
    filename text not null,
    purpose text not null
  )`,
  "create index file_account on jobs.file (account_id, file_id)",
];
