import { sql } from "kysely";
import type { Migration } from "../../../../shared/db/index.ts";

/**
 * Vacuum of the requests that run takes its time and does not give pages back to the system: without any pause it held a core, and
 * for the pages it locks the table, which fills again within seconds.
 */
export const slowVacuum: Migration = {
  async up(db) {
    await sql`alter table history.unfinished set (autovacuum_vacuum_cost_delay = 2, autovacuum_vacuum_cost_limit = 200,
      vacuum_truncate = off)`.execute(db);
  },
};
