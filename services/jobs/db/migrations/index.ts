import type { Migration } from "../../../../shared/db/index.ts";
import { jobs } from "./0001-jobs.ts";
import { objects } from "./0002-objects.ts";
import { files } from "./0003-files.ts";
import { ownCalls } from "./0004-own-calls.ts";
import { webhooks } from "./0005-webhooks.ts";
import { batches } from "./0006-batches.ts";
import { copies } from "./0007-copies.ts";
import { pollFloor } from "./0008-poll-floor.ts";
import { polls } from "./0009-polls.ts";
import { vendorBatches } from "./0010-vendor-batches.ts";
import { batchCosts } from "./0011-batch-costs.ts";
import { toldCounts } from "./0012-told-counts.ts";
import { wholeErrors } from "./0013-whole-errors.ts";

/** The migrations of jobs, in their order. */
export const migrations: Readonly<Record<string, Migration>> = {
  "0001_jobs": jobs,
  "0002_objects": objects,
  "0003_files": files,
  "0004_own_calls": ownCalls,
  "0005_webhooks": webhooks,
  "0006_batches": batches,
  "0007_copies": copies,
  "0008_poll_floor": pollFloor,
  "0009_polls": polls,
  "0010_vendor_batches": vendorBatches,
  "0011_batch_costs": batchCosts,
  "0012_told_counts": toldCounts,
  "0013_whole_errors": wholeErrors,
};
