import type { BillingContext } from "../context.ts";
import { heldNow } from "../db/keep.ts";
import { every, type Job } from "./every.ts";

const pauseMs = 15_000;

/** Shows how many reservations are open and what they hold; the same on every replica. */
export function startGauges({ db, log, metrics }: BillingContext): Job {
  let held = { reservations: 0, nanoUsd: 0 };
  const observers = [
    metrics.observe("reservations_open", () => held.reservations, "billing"),
    metrics.observe("reserved_nano_usd", () => held.nanoUsd, "billing"),
  ];
  const job = every("gauges", pauseMs, log, async () => {
    held = await heldNow(db);
    return false;
  });
  return {
    async stop() {
      for (const stop of observers) stop();
      await job.stop();
    },
  };
}
