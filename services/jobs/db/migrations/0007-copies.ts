import { type Kysely, sql } from "kysely";
import type { Migration } from "../../../../shared/db/index.ts";

/** Results of vendors that are to be copied. */
export const copies: Migration = {
  async up(db: Kysely<unknown>): Promise<void> {
    for (const statement of statements) await sql.raw(statement).execute(db);
  },
};

const statements = [
  // A row says that a job's result is still to be copied. lease_until: a worker is at it until then.
  `create table jobs.copy (
    request_id bigint primary key references jobs.job on delete cascade,
    wake_at timestamptz not null default now(),
    lease_until timestamptz,
    tries smallint not null default 0
  )`,
  "create index copy_wake on jobs.copy (wake_at)",
];
