import { clockToleranceMs, decideRetention } from "../../../shared/retention.ts";
import type { BillingContext } from "../context.ts";
import { dayMs, findPastKeys, storeHold } from "../db/answer-retention.ts";
import { expireKeys, rollAnswers } from "../db/answers.ts";
import { ensureLedgerPartitions } from "../db/keep.ts";
import { every, type Job } from "./every.ts";

const pauseMs = 600_000;
const batchSize = 1_000;
/** How far ahead the ledger has partitions, milliseconds. */
export const ledgerAheadMs = 90 * 86_400_000;

/** Keeps house: partitions ahead of time, stored answers and Idempotency-Keys removed after their life. */
export function startKeeper(context: BillingContext): Job {
  const { db, log, metrics } = context;
  let waitingDays = 0;
  const stopObserving = metrics.observe("retention_waiting", () => waitingDays, "billing");
  const job = every("keeper", pauseMs, log, async () => {
    await ensureLedgerPartitions(db, ledgerAheadMs);
    const { beforeMs, waiting } = await bound(context);
    waitingDays = waiting;
    await rollAnswers(db, beforeMs);
    return (await expireKeys(db, batchSize, beforeMs)) === batchSize;
  });
  return {
    stop() {
      stopObserving();
      return job.stop();
    },
  };
}

/** How far what is past its life may go now. */
export async function bound({
  db,
  log,
  nowMs: ownMs,
}: Pick<BillingContext, "db" | "log" | "nowMs">): Promise<{ beforeMs: number | undefined; waiting: number }> {
  const { nowMs, dueDays, hold } = await findPastKeys(db);
  if (Math.abs(nowMs - ownMs()) > clockToleranceMs) {
    log.error(
      { database_ms: nowMs, own_ms: ownMs() },
      "the clocks of this process and of PostgreSQL differ: nothing is deleted by age until they agree",
    );
    return { beforeMs: 0, waiting: dueDays.length };
  }
  const step = decideRetention({
    nowMs,
    ownMs: ownMs(),
    due: dueDays,
    confirmed: 0n,
    // Keys of one day alone are what a quiet day leaves.
    everything: false,
    hold,
  });
  if (step.hold?.sinceMs !== hold?.sinceMs || step.hold?.steppedMs !== hold?.steppedMs) await storeHold(db, step.hold);
  if (step.waiting === 0) return { beforeMs: undefined, waiting: 0 };
  log.warn(
    { days: step.waiting },
    "Idempotency-Keys of more than one day are past their life: a day after this was announced those of one day go each hour",
  );
  return { beforeMs: Number(step.below) * dayMs, waiting: step.waiting };
}
