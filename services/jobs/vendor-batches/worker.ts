import { randomBytes } from "node:crypto";
import { createKnownBatches } from "../batches/known-batches.ts";
import type { LineWorker } from "../batches/lines.ts";
import type { JobsContext } from "../context.ts";
import {
  claimVendorBatches,
  holdVendorBatch,
  noteVendorBatch,
  type VendorBatchRow,
  vendorPhases,
} from "../db/vendor-batches.ts";
import { retryMs } from "../domain/creation-fate.ts";
import { type Pool, startPool } from "../runner/pool.ts";
import { cleanUp } from "./clean-up.ts";
import { createBatch, uploadLines } from "./create-batch.ts";
import { findBatch } from "./find-batch.ts";
import { followBatch } from "./follow-batch.ts";
import type { Held } from "./held.ts";
import { readResults } from "./read-results.ts";
import { writeLines } from "./write-lines.ts";

/** A batch of a worker that died is another's after this; the worker says three times in it that it lives. */
const leaseMs = 12_000;
/** Longest time between two looks: another process may have taken a batch in, or have died. */
const pauseMs = 1_000;
/** Batches of which this process takes steps at the same time; a step may take minutes. */
const atOnce = 8;

const steps: Readonly<Record<number, (held: Held) => Promise<void>>> = {
  [vendorPhases.writing]: writeLines,
  [vendorPhases.uploading]: uploadLines,
  [vendorPhases.creating]: createBatch,
  [vendorPhases.sent]: findBatch,
  [vendorPhases.following]: followBatch,
  [vendorPhases.reading]: readResults,
  [vendorPhases.cleaning]: cleanUp,
};

/**
 * Takes batches that vendors run from step to step, as their rows say it: several processes may, for each batch is leased to one of
 * them. A step that fails, or whose process dies, is taken again, but for a creation, which is looked for.
 */
export function startVendorBatches(context: JobsContext, lines: LineWorker): Omit<Pool, "running"> {
  const { db, log, config } = context;
  const worker = BigInt(`0x${randomBytes(6).toString("hex")}`) + 1n;
  const known = createKnownBatches(db);
  const breaking = new AbortController();
  let stopped = false;
  const pool = startPool(log, {
    atOnce,
    async take(room) {
      const rows = await claimVendorBatches(db, room, worker, leaseMs);
      return { steps: rows.map((row) => () => advance(row)), pauseMs: rows.length === room ? 0 : pauseMs };
    },
  });

  async function advance(row: VendorBatchRow): Promise<void> {
    let isLost = false;
    const heart = setInterval(() => {
      holdVendorBatch(db, row.batch_id, worker, leaseMs).then(
        (isHeld) => {
          isLost = !isHeld;
        },
        (error: unknown) => log.warn({ err: error }, "the lease of a batch could not be extended"),
      );
    }, leaseMs / 3);
    try {
      const about = await known.of(row.batch_id);
      const step = steps[row.phase];
      if (about === undefined || step === undefined) return;
      await step({
        context,
        row,
        known: about,
        worker,
        lines,
        signal: breaking.signal,
        isLost: () => isLost || stopped,
      });
      pool.wake();
    } catch (error) {
      log.warn(
        { err: error, request_id: row.batch_id.toString() },
        "a step of a vendor's batch failed; it is taken again",
      );
      const again = { failures: row.failures + 1, inMs: retryMs(row.failures, context.random()) };
      await noteVendorBatch(db, row.batch_id, worker, again).catch(() => undefined);
    } finally {
      clearInterval(heart);
      // Another worker may take at once what was given up in the middle.
      if (stopped) await noteVendorBatch(db, row.batch_id, worker, { inMs: 0 }).catch(() => undefined);
    }
  }

  return {
    wake: pool.wake,
    async stop() {
      stopped = true;
      const grace = setTimeout(() => breaking.abort(), config.shutdownGraceMs);
      await pool.stop();
      clearTimeout(grace);
    },
  };
}
