import { type Kysely, sql } from "kysely";
import type { Migration } from "../../../../shared/db/index.ts";

/** The lists of models that upstreams give. */
export const listings: Migration = {
  async up(db: Kysely<unknown>): Promise<void> {
    // source: the server that was asked; what another one listed says nothing of it.
    // models: JSON that listings.ts writes and reads; null: none was read yet. failure: why the last look brought none.
    await sql`create table channel_listing (
      channel text primary key,
      source text not null,
      models jsonb,
      failure text not null default '',
      due_at_ms bigint not null
    )`.execute(db);
  },
};
