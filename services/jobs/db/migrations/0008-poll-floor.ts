import { type Kysely, sql } from "kysely";
import type { Migration } from "../../../../shared/db/index.ts";

/** poll_floor_ms: what the vendor wants between two questions after the job; 0: it has no such rule. */
export const pollFloor: Migration = {
  async up(db: Kysely<unknown>): Promise<void> {
    await sql`alter table jobs.job add column poll_floor_ms integer not null default 0`.execute(db);
  },
};
