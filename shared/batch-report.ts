import { z } from "zod";
import { ThroughlineError } from "./errors/error.ts";

/*
 * What a vendor says of a batch, in one form for all of them: provider-adapter writes it, services/jobs reads it.
 */

/** Dialect of the steps of a batch at its vendor. */
export const vendorBatchDialect = "vendor.batches";

const id = z.string().max(512);
/** Lines of a batch: no vendor takes more than a hundred thousand. */
const count = z.int().min(0).max(1_000_000);

const schema = z.object({
  /**
   * Where the batch stands. "refused": the vendor found fault with it before it ran a line. "forgotten": the vendor knows nothing of
   * it. "unknown": it used a word that we do not know, which is no end.
   */
  state: z.enum(["running", "ended", "refused", "forgotten", "unknown"]),
  /** The vendor's own word for it, for logs. */
  word: z.string().max(64),
  /** The vendor's ID of the batch. Absent: the step was not about one. */
  batchId: z.exactOptional(id),
  /** The vendor's name of the file that was uploaded. */
  fileId: z.exactOptional(id),
  /** What is needed to find it again, as in reports on jobs. */
  locator: z.exactOptional(z.string().max(4_096)),
  /** Files of results, of a batch that has ended. */
  files: z.exactOptional(z.array(id).max(8)),
  /** True: lines without a result were not run before the vendor's time was over. */
  isLate: z.exactOptional(z.boolean()),
  /** How many lines have come to what, as the vendor says it. Absent: it does not. */
  counts: z.exactOptional(z.object({ succeeded: count, failed: count, cancelled: count, expired: count })),
  /** Why it was refused; names no host and no secret. */
  message: z.exactOptional(z.string().max(1_024)),
  /** Batches that may be the one that was looked for. */
  found: z.exactOptional(
    z
      .array(
        z.object({
          batchId: id,
          /** True: it bears our name. False: what is known of it fits, and its results will tell. */
          isCertain: z.boolean(),
          /** Files of its results; empty: it has not ended. */
          files: z.array(id).max(8),
        }),
      )
      .max(1_000),
  ),
});

/** What a vendor says of a batch. */
export type BatchReport = z.infer<typeof schema>;

/** The report in the bytes that travel. */
export function writeBatchReport(report: BatchReport): Buffer {
  return Buffer.from(JSON.stringify(report));
}

/** Reads a report. Throws internal_error for what is none. */
export function readBatchReport(bytes: Uint8Array): BatchReport {
  let report: unknown;
  try {
    report = JSON.parse(Buffer.from(bytes).toString());
  } catch (cause) {
    throw unreadable(cause);
  }
  const read = schema.safeParse(report);
  if (!read.success) throw unreadable(read.error);
  return read.data;
}

function unreadable(cause?: unknown): ThroughlineError {
  return new ThroughlineError("internal_error", "A report on a batch cannot be read.", { cause });
}
