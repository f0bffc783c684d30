import type { Migration } from "../../../../shared/db/index.ts";
import * as records from "./0001-records.ts";
import * as put from "./0002-put.ts";

/** History's migrations, in their order. Applied ones are never edited: what changes is a migration of its own. */
export const migrations: Readonly<Record<string, Migration>> = {
  "0001_records": records,
  "0002_put": put,
};
