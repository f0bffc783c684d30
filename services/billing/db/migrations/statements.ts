import { sql } from "kysely";
import type { Migration } from "../../../../shared/db/index.ts";

/** A migration of plain statements, one after the other. */
export function statements(...texts: readonly string[]): Migration {
  return {
    async up(db) {
      for (const text of texts) await sql.raw(text).execute(db);
    },
  };
}
