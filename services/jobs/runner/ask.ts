import { create, fromBinary, type MessageInitShape } from "@bufbuild/protobuf";
import { ThroughlineError } from "../../../shared/errors/error.ts";
import { fromWireError } from "../../../shared/errors/wire.ts";
import {
  type InvokeItem,
  InvokeItemSchema,
  JobStepSchema,
  type Outcome,
} from "../../../shared/gen/throughline/provider/v1/provider_pb.ts";
import { type JobReport, readJobReport } from "../../../shared/job-report.ts";
import type { JobsContext } from "../context.ts";
import type { JobRow } from "../db/job-row.ts";

/** What came of asking a vendor. */
export interface Asked {
  /** Absent: it said nothing that can be read. */
  readonly report?: JobReport;
  /** What the provider says of it; absent: the provider itself was lost. */
  readonly outcome?: Outcome;
  /** Absent: there is a report. */
  readonly error?: ThroughlineError;
}

/** The item of a job's start. */
export function itemOf({ item }: Pick<JobRow, "item">): InvokeItem {
  return fromBinary(InvokeItemSchema, item);
}

/** Has the provider take one step of a job. Never throws. */
export async function ask(
  { provider }: Pick<JobsContext, "provider">,
  row: Pick<JobRow, "request_id" | "traceparent" | "created_at">,
  item: InvokeItem,
  step: MessageInitShape<typeof JobStepSchema>,
  timeoutMs: number,
): Promise<Asked> {
  const stream = provider.invoke.open(
    // Settlement and record are ours to make, so the provider is given no facts.
    {
      ...item,
      facts: undefined,
      stream: false,
      job: create(JobStepSchema, step),
      elapsedUs: BigInt(Math.max(0, Date.now() - row.created_at.getTime())) * 1_000n,
    },
    {
      requestId: row.request_id,
      traceparent: row.traceparent,
      timeoutMs,
      frameBytes: (frame) => frame.data.length,
    },
  );
  const pieces: Uint8Array[] = [];
  try {
    for await (const frame of stream) pieces.push(frame.data);
    const outcome = await stream.outcome;
    if (outcome.error !== undefined) return { outcome, error: fromWireError(outcome.error) };
    return { outcome, report: readJobReport(Buffer.concat(pieces)) };
  } catch (thrown) {
    const outcome = await stream.outcome.catch(() => undefined);
    return { error: ThroughlineError.from(thrown), ...(outcome === undefined ? {} : { outcome }) };
  }
}
