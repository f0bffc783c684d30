import { Type } from "typebox";
import { Check } from "typebox/value";
import { ThroughlineError } from "./errors/error.ts";

/*
 * What a vendor says of a batch, in one form for all of them: provider-adapter writes it, services/jobs reads it.
 */

/** Dialect of the steps of a batch at its vendor. */
export const vendorBatchDialect = "vendor.batches";

const id = Type.String({ maxLength: 512 });
/** Lines of a batch: no vendor takes more than a hundred thousand. */
const count = Type.Integer({ minimum: 0, maximum: 1_000_000 });

const schema = Type.Object({
  /**
   * Where the batch stands. "refused": the vendor found fault with it before it ran a line. "forgotten": the vendor knows nothing of
   * it. "unknown": it used a word that we do not know, which is no end.
   */
  state: Type.Union([
    Type.Literal("running"),
    Type.Literal("ended"),
    Type.Literal("refused"),
    Type.Literal("forgotten"),
    Type.Literal("unknown"),
  ]),
  /** The vendor's own word for it, for logs. */
  word: Type.String({ maxLength: 64 }),
  /** The vendor's ID of the batch. Absent: the step was not about one. */
  batchId: Type.Optional(id),
  /** The vendor's name of the file that was uploaded. */
  fileId: Type.Optional(id),
  /** What is needed to find it again, as in reports on jobs. */
  locator: Type.Optional(Type.String({ maxLength: 4_096 })),
  /** Files of results, of a batch that has ended. */
  files: Type.Optional(Type.Array(id, { maxItems: 8 })),
  /** True: lines without a result were not run before the vendor's time was over. */
  isLate: Type.Optional(Type.Boolean()),
  /** How many lines have come to what, as the vendor says it. Absent: it does not. */
  counts: Type.Optional(Type.Object({ succeeded: count, failed: count, cancelled: count, expired: count })),
  /** Why it was refused; names no host and no secret. */
  message: Type.Optional(Type.String({ maxLength: 1_024 })),
  /** Batches that may be the one that was looked for. */
  found: Type.Optional(
    Type.Array(
      Type.Object({
        batchId: id,
        /** True: it bears our name. False: what is known of it fits, and its results will tell. */
        isCertain: Type.Boolean(),
        /** Files of its results; empty: it has not ended. */
        files: Type.Array(id, { maxItems: 8 }),
      }),
      { maxItems: 1_000 },
    ),
  ),
});

/** What a vendor says of a batch. */
export type BatchReport = Type.Static<typeof schema>;

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
  if (Check(schema, report)) return report;
  throw unreadable();
}

function unreadable(cause?: unknown): ThroughlineError {
  return new ThroughlineError("internal_error", "A report on a batch cannot be read.", { cause });
}
