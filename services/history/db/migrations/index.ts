import type { Migration } from "../../../../shared/db/index.ts";
import { createTables } from "./0001-history.ts";
import { createFunctions } from "./0002-put-records.ts";

/** History's migrations, in their order. Applied ones are never edited: what changes is a migration of its own. */
export const migrations: Readonly<Record<string, Migration>> = {
  "0001_history": createTables,
  "0002_put_records": createFunctions,
};
