import { type Kysely, sql } from "kysely";
import type { Migration } from "../../../../shared/db/index.ts";

/** What the lines of a batch cost together, and what they consumed of every unit. */
export const batchCosts: Migration = {
  async up(db: Kysely<unknown>): Promise<void> {
    for (const statement of statements) await sql.raw(statement).execute(db);
  },
};

const statements = [
  // costed: lines that billed and list_price have the cost of: of a batch that older programs work at too they are fewer than have ended.
  // listed: those whose list price is known. more: amounts of units without a column, as digits by their names; null: none.
  `alter table jobs.batch
    add column costed integer not null default 0,
    add column billed bigint not null default 0,
    add column listed integer not null default 0,
    add column list_price bigint not null default 0,
    add column more jsonb`,
];
