import type { BillingContext } from "../context.ts";
import { foldUsage } from "../db/usage-fold.ts";
import { every, type Job } from "./every.ts";

/** How old an entry may be that is not in the sums yet, and so is read by each of them. */
const pauseMs = 2_000;
/** Entries at a time: some tenths of a second of one connection, also where a ledger of years has no sums yet. */
const batchSize = 20_000;

/** Keeps the sums of usage up to date. Several replicas take turns. */
export function startUsageFolder({ reports, log }: Pick<BillingContext, "reports" | "log">): Job {
  return every("usage-folder", pauseMs, log, () => foldUsage(reports, batchSize));
}
