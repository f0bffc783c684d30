import type { Migration } from "../../../../shared/db/index.ts";
import * as history from "./0001-history.ts";
import * as put from "./0002-put-records.ts";

/** History's migrations, in their order. Applied ones are never edited: what changes is a migration of its own. */
export const migrations: Readonly<Record<string, Migration>> = {
  "0001_history": history,
  "0002_put_records": put,
};
