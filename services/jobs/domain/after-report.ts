import type { ErrorCode } from "../../../shared/errors/catalogue.ts";
import type { JobReport } from "../../../shared/job-report.ts";

/** States of a job that goes on. */
export type RunningState = "queueing" | "processing";

/** What becomes of a job after its vendor was asked. */
export type Decision =
  | { readonly kind: "goes_on"; readonly state: RunningState; readonly progressPercent: number }
  | { readonly kind: "succeeded" }
  | { readonly kind: "failed"; readonly code: ErrorCode; readonly message: string };

const unexplained: NonNullable<JobReport["failure"]> = {
  code: "upstream_error",
  message: "The upstream's job failed.",
};

/** What is known of the job before. */
export interface Before {
  readonly state: RunningState;
  readonly progressPercent: number;
  readonly cancelRequested: boolean;
}

/**
 * Decides after a report. A word that nobody knows says nothing: the job stays as it was until its own deadline. Progress
 * never goes back.
 */
export function afterReport(before: Before, report: JobReport): Decision {
  switch (report.state) {
    case "succeeded":
      return { kind: "succeeded" };
    case "failed": {
      const { code, message } = report.failure ?? unexplained;
      // Who asked for its end hears that it came, whatever the vendor calls it.
      return {
        kind: "failed",
        code: before.cancelRequested && code === "upstream_error" ? "cancelled" : code,
        message,
      };
    }
    case "unknown":
      return { kind: "goes_on", ...before };
    default:
      return {
        kind: "goes_on",
        state: before.state === "processing" ? "processing" : report.state,
        progressPercent: Math.max(before.progressPercent, Math.min(99, Math.round(report.progressPercent))),
      };
  }
}
