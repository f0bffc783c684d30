import { type Kysely, sql } from "kysely";
import type { Migration } from "../../../../shared/db/index.ts";

/** Prices of further units, prices under conditions, and prices that change with the hour. */
export const rates: Migration = {
  async up(db: Kysely<unknown>): Promise<void> {
    // JSON that rows.ts writes and reads. Null in rows of a program that knows neither.
    await sql`alter table strategy add column rates jsonb, add column by_hour jsonb`.execute(db);
  },
};
