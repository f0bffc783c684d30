import { type Static, type TSchema, Type } from "typebox";
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
  locator: Type.Optional(Type.String({ maxLength: 4_096 })),
  /** True: the upstream says that it does not know the job (any more); `failure` is what that means if it stays so. */
  forgotten: Type.Optional(Type.Boolean()),
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
  /** Most jobs that one question may be about, where the upstream answers for several; absent: one. */
  pollTogether: Type.Optional(Type.Integer({ minimum: 1, maximum: 500 })),
  /** Unix milliseconds at which the upstream deletes the result; absent: it does not say. */
  expiresUnixMs: Type.Optional(Type.Number({ minimum: 0 })),
});

/** What an upstream says of a job. */
export type JobReport = Static<typeof schema>;

/** The report in the bytes that travel. */
export function writeJobReport(report: JobReport): Buffer {
  return Buffer.from(JSON.stringify(report));
}

/** Reports of several jobs in the bytes that travel. */
export function writeJobReports(reports: readonly JobReport[]): Buffer {
  return Buffer.from(JSON.stringify(reports));
}

/** Reads the reports of several jobs. Throws internal_error for what is none. */
export function readJobReports(bytes: Uint8Array): readonly JobReport[] {
  return readAs(Type.Array(schema), bytes);
}

/** Reads a report. Throws internal_error for what is none. */
export function readJobReport(bytes: Uint8Array): JobReport {
  return readAs(schema, bytes);
}

function readAs<T extends TSchema>(wanted: T, bytes: Uint8Array): Static<T> {
  try {
    const said: unknown = JSON.parse(Buffer.from(bytes).toString());
    if (Check(wanted, said)) return said;
  } catch (error) {
    throw new ThroughlineError("internal_error", "A report on a job cannot be read.", { cause: error });
  }
  throw new ThroughlineError("internal_error", "A report on a job cannot be read.");
}
