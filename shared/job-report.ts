import { Type } from "typebox";
import { Check } from "typebox/value";
import { ThroughlineError } from "./errors/error.ts";

/*
 * What an upstream says of a job, in one form for all of them: provider-adapter writes it, services/jobs reads it.
 */

/** How far a job is. "unknown": the upstream used a word that we do not know, which is neither success nor failure. */
const states = Type.Union([
  Type.Literal("queueing"),
  Type.Literal("processing"),
  Type.Literal("succeeded"),
  Type.Literal("failed"),
  Type.Literal("unknown"),
]);

/** Why a job failed, as codes of the catalogue. */
const failures = Type.Union([
  Type.Literal("upstream_error"),
  Type.Literal("content_filtered"),
  Type.Literal("expired"),
  Type.Literal("cancelled"),
]);

const schema = Type.Object({
  /** The upstream's ID of the job, 1 to 512 characters. */
  vendorJobId: Type.String({ minLength: 1, maxLength: 512 }),
  state: states,
  /** The upstream's own word of the state, for logs. */
  word: Type.String({ maxLength: 64 }),
  /** 0 to 100; 0 where the upstream says nothing. */
  progressPercent: Type.Number({ minimum: 0, maximum: 100 }),
  /** What is needed beside the ID to find the job again; absent: nothing. */
  locator: Type.Optional(Type.String({ maxLength: 1_024 })),
  /** Only of a job that failed. `message` names no host and no secret. */
  failure: Type.Optional(
    Type.Object({
      code: failures,
      message: Type.String({ maxLength: 1_024 }),
    }),
  ),
  /** Length of the result as the upstream says it. */
  seconds: Type.Optional(Type.Number({ minimum: 0, maximum: 86_400 })),
  /** Size of the result as the upstream says it, e.g. "1280x720". */
  size: Type.Optional(Type.String({ maxLength: 64 })),
  /** Milliseconds that must lie between two questions after this job; absent: the upstream has no such rule. */
  pollFloorMs: Type.Optional(Type.Integer({ minimum: 0, maximum: 300_000 })),
  /** Unix milliseconds at which the upstream deletes the result; absent: it does not say. */
  expiresUnixMs: Type.Optional(Type.Number({ minimum: 0 })),
});

/** What an upstream says of a job. */
export type JobReport = Type.Static<typeof schema>;

/** The report in the bytes that travel. */
export function writeJobReport(report: JobReport): Buffer {
  return Buffer.from(JSON.stringify(report));
}

/** Reads a report. Throws internal_error for what is none. */
export function readJobReport(bytes: Uint8Array): JobReport {
  try {
    const report: unknown = JSON.parse(Buffer.from(bytes).toString());
    if (Check(schema, report)) return report;
  } catch (error) {
    throw new ThroughlineError("internal_error", "A report on a job cannot be read.", { cause: error });
  }
  throw new ThroughlineError("internal_error", "A report on a job cannot be read.");
}
