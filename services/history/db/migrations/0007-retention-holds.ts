import { sql } from "kysely";
import type { Migration } from "../../../../shared/db/index.ts";

/** Deletions of more than one partition, announced and not yet done: when they were found, and when they last went on. */
export const addRetentionHolds: Migration = {
  async up(db) {
    await sql`create table history.retention_hold (
      partitioned text primary key,
      since_ms bigint not null,
      stepped_ms bigint not null
    )`.execute(db);
  },
};
