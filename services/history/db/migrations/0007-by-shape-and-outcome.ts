import { sql } from "kysely";
import type { Migration } from "../../../../shared/db/index.ts";

/**
 * Lists by model, channel, module or error. The account stands before the ID, so that an account's come as plainly as everybody's: for these PostgreSQL
 * enters the index once for each account that has some. 40 bytes a record together.
 *
 * On the table alone, which takes a moment: partitions that are made later get them, those that are there get them in the background
 * (`jobs/indexes.ts`), while records go on being stored. Until then lists do without.
 */
export const addIndexesByShapeAndOutcome: Migration = {
  async up(db) {
    for (const definition of [
      "record_shape_succeeded on only history.record (shape_id, account_id, request_id) where status = 4",
      "record_shape_failed on only history.record (shape_id, account_id, request_id) where status = 5",
      "record_outcome_failed on only history.record (outcome_id, account_id, request_id) where status = 5",
    ]) {
      await sql.raw(`create index ${definition}`).execute(db);
    }
  },
};
