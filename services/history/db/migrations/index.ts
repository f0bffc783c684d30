import type { Migration } from "../../../../shared/db/index.ts";
import { createTables } from "./0001-tables.ts";
import { createFunctions } from "./0002-functions.ts";
import { createUsage } from "./0003-usage.ts";
import { addPlainPut } from "./0004-plain-put.ts";
import { putPlainer } from "./0005-put-plainer.ts";
import { quarterIndexes } from "./0006-quarter-indexes.ts";
import { addRetentionHolds } from "./0007-retention-holds.ts";
import { orderEnds } from "./0008-order-of-ends.ts";
import { createUsageDays } from "./0009-usage-days.ts";

/** History's migrations, in their order. Applied ones are never edited: what changes is a migration of its own. */
export const migrations: Readonly<Record<string, Migration>> = {
  "0001_tables": createTables,
  "0002_functions": createFunctions,
  "0003_usage": createUsage,
  "0004_plain_put": addPlainPut,
  "0005_put_plainer": putPlainer,
  "0006_quarter_indexes": quarterIndexes,
  "0007_retention_holds": addRetentionHolds,
  "0008_order_of_ends": orderEnds,
  "0009_usage_days": createUsageDays,
};
