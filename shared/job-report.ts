import { z } from "zod";
import { ThroughlineError } from "./errors/error.ts";

/*
 * What an upstream says of a job, in one form for all of them: provider-adapter writes it, services/jobs reads it.
 */

/** How far a job is. "unknown": the upstream used a word that we do not know, which is neither success nor failure. */
const states = z.enum(["queueing", "processing", "succeeded", "failed", "unknown"]);

/** Why a job failed, as codes of the catalogue. */
const failures = z.enum(["upstream_error", "content_filtered", "expired", "cancelled"]);

const schema = z.object({
  /** The upstream's ID of the job, 1 to 512 characters. */
  vendorJobId: z.string().min(1).max(512),
  state: states,
  /** The upstream's own word of the state, for logs. */
  word: z.string().max(64),
  /** 0 to 100; 0 where the upstream says nothing. */
  progressPercent: z.number().min(0).max(100),
  /** What is needed beside the ID to find the job again; absent: nothing. */
  locator: z.exactOptional(z.string().max(4_096)),
  /** True: the upstream says that it does not know the job (any more); `failure` is what that means if it stays so. */
  forgotten: z.exactOptional(z.boolean()),
  /** Only of a job that failed. `message` names no host and no secret. */
  failure: z.exactOptional(z.object({ code: failures, message: z.string().max(1_024) })),
  /** Length of the result as the upstream says it. */
  seconds: z.exactOptional(z.number().min(0).max(86_400)),
  /** Size of the result as the upstream says it, e.g. "1280x720". */
  size: z.exactOptional(z.string().max(64)),
  /** Milliseconds that must lie between two questions after this job; absent: the upstream has no such rule. */
  pollFloorMs: z.exactOptional(z.int().min(0).max(300_000)),
  /** Most jobs that one question may be about, where the upstream answers for several; absent: one. */
  pollTogether: z.exactOptional(z.int().min(1).max(500)),
  /** Unix milliseconds at which the upstream deletes the result; absent: it does not say. */
  expiresUnixMs: z.exactOptional(z.number().min(0)),
});

/** What an upstream says of a job. */
export type JobReport = z.infer<typeof schema>;

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
  return readAs(z.array(schema), bytes);
}

/** Reads a report. Throws internal_error for what is none. */
export function readJobReport(bytes: Uint8Array): JobReport {
  return readAs(schema, bytes);
}

function readAs<T>(wanted: z.ZodType<T>, bytes: Uint8Array): T {
  try {
    return wanted.parse(JSON.parse(Buffer.from(bytes).toString()));
  } catch (error) {
    throw new ThroughlineError("internal_error", "A report on a job cannot be read.", { cause: error });
  }
}
