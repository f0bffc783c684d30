import { ThroughlineError } from "../../../shared/errors/error.ts";
import { JobAction, type JobStep } from "../../../shared/gen/throughline/provider/v1/provider_pb.ts";
import type { OpenChannel } from "../channels.ts";
import { credentialMark } from "../domain/credential-mark.ts";
import type { AskedBatchStep, AskedStep } from "../domain/exchange.ts";

/** What each action asks for: of a job's vendor, of a batch's vendor, or of the provider itself about a line of a batch. */
type Meaning =
  | { readonly job: AskedStep["action"] }
  | { readonly batch: AskedBatchStep["action"] }
  | { readonly line: "write" | "read" };

const meanings: Readonly<Record<JobAction, Meaning | undefined>> = {
  [JobAction.UNSPECIFIED]: undefined,
  [JobAction.START]: { job: "start" },
  [JobAction.POLL]: { job: "poll" },
  [JobAction.CANCEL]: { job: "cancel" },
  [JobAction.CONTENT]: { job: "content" },
  [JobAction.LINE_WRITE]: { line: "write" },
  [JobAction.LINE_READ]: { line: "read" },
  [JobAction.BATCH_UPLOAD]: { batch: "upload" },
  [JobAction.BATCH_CREATE]: { batch: "create" },
  [JobAction.BATCH_FIND]: { batch: "find" },
  [JobAction.BATCH_POLL]: { batch: "poll" },
  [JobAction.BATCH_CANCEL]: { batch: "cancel" },
  [JobAction.BATCH_RESULTS]: { batch: "results" },
  [JobAction.BATCH_DISCARD]: { batch: "discard" },
};

/** What is to be done about a line of a batch; undefined: the step is about something else. */
export function lineActionOf(step: JobStep | undefined): "write" | "read" | undefined {
  const meaning = step === undefined ? undefined : meanings[step.action];
  return meaning !== undefined && "line" in meaning ? meaning.line : undefined;
}

/** A step as exchanges are asked for it. @param credential that it is taken with; empty: none. */
export function askedStepOf(
  step: JobStep | undefined,
  channel: Pick<OpenChannel, "noteFor">,
  credential: string,
): { readonly job?: AskedStep; readonly batch?: AskedBatchStep } {
  if (step === undefined) return {};
  const meaning = meanings[step.action];
  const mark = credentialMark(credential);
  if (meaning !== undefined && "job" in meaning) {
    const { vendorJobId, locator, variant, callbackUrl, others } = step;
    const note = meaning.job === "start" ? channel.noteFor(credential) : "";
    const told = { vendorJobId, locator, variant, callbackUrl, others };
    return { job: { ...told, action: meaning.job, credential: mark, channel: note } };
  }
  if (meaning !== undefined && "batch" in meaning) {
    const isBegun = meaning.batch !== "upload" && meaning.batch !== "create";
    const note = isBegun ? "" : channel.noteFor(credential);
    const { vendorJobId: batchId, name, place, file, sinceUnixS, lines } = step;
    return {
      batch: {
        action: meaning.batch,
        batchId,
        name,
        place,
        file,
        sinceUnixS: Number(sinceUnixS),
        lines,
        credential: mark,
        channel: note,
      },
    };
  }
  if (meaning !== undefined) return {};
  throw new ThroughlineError("internal_error", "This step of a job is not known.");
}
