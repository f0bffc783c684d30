import type { KnownBatch } from "../batches/known-batches.ts";
import type { LineWorker } from "../batches/lines.ts";
import type { JobsContext } from "../context.ts";
import { msUntil } from "../db/job-row.ts";
import { noteVendorBatch, type VendorBatchRow, type VendorBatchStep } from "../db/vendor-batches.ts";

/** A batch of which this worker takes the next step. */
export interface Held {
  readonly context: JobsContext;
  readonly row: VendorBatchRow;
  readonly known: KnownBatch;
  readonly worker: bigint;
  readonly lines: Pick<LineWorker, "worker" | "close" | "wake">;
  /** Aborts where this process does not wait for the step any more. */
  readonly signal: AbortSignal;
  /** True: another worker has it, or this process stops. */
  isLost(): boolean;
}

/** The vendor may take this long after our own deadline to end what was cancelled. */
const graceMs = 15 * 60_000;

/** The batch's time is over. */
export function isOver({ row }: Held): boolean {
  return msUntil(row.deadline_at, row) <= 0;
}

/** Its time has been over for so long that nobody waits for its vendor any more. */
export function isGivenUp({ row }: Held): boolean {
  return msUntil(row.deadline_at, row) + graceMs <= 0;
}

/** Our name of the batch at its vendor. */
export function nameOf({ row }: Held): string {
  return row.batch_id.toString();
}

/** Notes what a step has come to. */
export function noteStep({ context, row, worker }: Held, step: VendorBatchStep): Promise<boolean> {
  return noteVendorBatch(context.db, row.batch_id, worker, step);
}
