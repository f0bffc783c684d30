import { type Kysely, sql } from "kysely";
import type { Migration } from "../../../../shared/db/index.ts";

/** What an error says beside its code and its message: the parameter, the status, when a retry may succeed. */
export const wholeErrors: Migration = {
  async up(db: Kysely<unknown>): Promise<void> {
    // A throughline.common.v1.Error; null: its code and its message are all that is known.
    await sql.raw("alter table jobs.job add column error bytea").execute(db);
    await sql.raw("alter table jobs.batch_line add column error bytea").execute(db);
  },
};
