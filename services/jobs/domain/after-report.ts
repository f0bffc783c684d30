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
  /** How often in a row its vendor has said that it does not know the job. */
  readonly misses: number;
}

/** A vendor that does not find a job once may find it the next time: it is believed when it says so again and again. */
const believedMisses = 3;

/**
 * Decides after a report. A word that nobody knows says nothing: the job stays as it was until its own deadline. Progress
 * never goes back.
 */
export function afterReport(before: Before, report: JobReport): Decision {
  switch (report.state) {
    case "succeeded":
      return { kind: "succeeded" };
    case "failed": {
      if (report.forgotten === true && !before.cancelRequested && before.misses + 1 < believedMisses) {
        return goesOn(before);
      }
      const { code, message } = report.failure ?? unexplained;
      // A client that asked for its end hears that the end came, whatever the vendor calls it.
      return {
        kind: "failed",
        code: before.cancelRequested && (code === "upstream_error" || report.forgotten === true) ? "cancelled" : code,
        message,
      };
    }
    case "unknown":
      return goesOn(before);
    default:
      return {
        kind: "goes_on",
        state: before.state === "processing" ? "processing" : report.state,
        progressPercent: Math.max(before.progressPercent, Math.min(99, Math.round(report.progressPercent))),
      };
  }
}

function goesOn({ state, progressPercent }: Before): Decision {
  return { kind: "goes_on", state, progressPercent };
}
