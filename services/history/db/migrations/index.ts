import type { Migration } from "../../../../shared/db/index.ts";
import { createRecords } from "./0001-records.ts";
import { createUsage } from "./0002-usage.ts";
import { createPutFunctions } from "./0003-put.ts";
import { addUsageByKeyAndOutcome } from "./0004-usage-by-key-and-outcome.ts";
import { createLabels } from "./0006-labels.ts";
import { addIndexesByShapeAndOutcome } from "./0007-by-shape-and-outcome.ts";
import { createRequests } from "./0007-requests.ts";
import { slowVacuum } from "./0007-upkeep.ts";
import { addPlainBatches } from "./0008-plain-batches.ts";

/**
 * History's migrations, in their order. Until the first release they say what is there; from then on applied ones are never
 * edited, and what changes (a new column of the units, too) is a migration of its own.
 */
export const migrations: Readonly<Record<string, Migration>> = {
  "0001_records": createRecords,
  "0002_usage_sums": createUsage,
  "0003_put": createPutFunctions,
  "0004_usage_by_key_and_outcome": addUsageByKeyAndOutcome,
  "0006_labels": createLabels,
  "0007_by_shape_and_outcome": addIndexesByShapeAndOutcome,
  "0007_requests": createRequests,
  "0007_upkeep": slowVacuum,
  "0008_plain_batches": addPlainBatches,
};
