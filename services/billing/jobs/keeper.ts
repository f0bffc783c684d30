import type { BillingContext } from "../context.ts";
import { expireKeys, rollAnswers } from "../db/answers.ts";
import { ensureLedgerPartitions } from "../db/keep.ts";
import { every, type Job } from "./every.ts";

const pauseMs = 600_000;
const batchSize = 1_000;
/** How far ahead the ledger has partitions, milliseconds. */
export const ledgerAheadMs = 90 * 86_400_000;

/** Keeps house: partitions ahead of time, stored answers and Idempotency-Keys removed after their life. */
export function startKeeper({ db, log }: BillingContext): Job {
  return every("keeper", pauseMs, log, async () => {
    await ensureLedgerPartitions(db, ledgerAheadMs);
    await rollAnswers(db);
    return (await expireKeys(db, batchSize)) === batchSize;
  });
}
