import { type Kysely, sql } from "kysely";
import type { Migration } from "../../../../shared/db/index.ts";

/** What a vendor says of the lines of a batch before its results are read. */
export const toldCounts: Migration = {
  async up(db: Kysely<unknown>): Promise<void> {
    // How many lines have succeeded, failed, were cancelled and expired, in this order; null: no vendor has said it.
    await sql.raw("alter table jobs.batch add column told integer[] check (cardinality(told) = 4)").execute(db);
  },
};
