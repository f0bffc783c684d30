import { type Kysely, sql } from "kysely";
import type { Migration } from "../../../../shared/db/index.ts";

/** What the last attempts at a channel came to, which outlives the figures of a report. */
export const lastFailures: Migration = {
  async up(db: Kysely<unknown>): Promise<void> {
    await sql`alter table channel_health
      add column recent_attempts bigint not null default 0,
      add column recent_failures bigint not null default 0,
      add column last_failure_code text not null default '',
      add column last_failure_status bigint not null default 0,
      add column last_failure_at_ms bigint not null default 0,
      add column last_good_at_ms bigint not null default 0`.execute(db);
  },
};
