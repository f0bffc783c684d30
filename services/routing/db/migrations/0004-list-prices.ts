import { type Kysely, sql } from "kysely";
import type { Migration } from "../../../../shared/db/index.ts";

/** Which strategy has the vendor's list prices of another, or of itself. Empty: none is named. */
export const listPrices: Migration = {
  async up(db: Kysely<unknown>): Promise<void> {
    await sql`alter table strategy add column list text not null default ''`.execute(db);
  },
};
