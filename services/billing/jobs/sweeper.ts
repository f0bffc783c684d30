import type { BillingContext } from "../context.ts";
import { sweepExpired } from "../db/lives.ts";
import { every, type Job } from "./every.ts";

const batchSize = 1_000;

/** Releases reservations past their life, so that a killed gateway's credit and slots come back. */
export function startSweeper({ config, db, log, metrics }: BillingContext): Job {
  return every("sweeper", config.sweepIntervalMs, log, async () => {
    const released = await sweepExpired(db, batchSize);
    if (released.length === 0) return false;
    metrics.sweeperReleased(released.length);
    metrics.reservation("expired", released.length);
    for (const id of released) log.warn({ request_id: id }, "reservation past its life released");
    return released.length === batchSize;
  });
}
