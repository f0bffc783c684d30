import { create, fromBinary, type MessageInitShape } from "@bufbuild/protobuf";
import { ThroughlineError } from "../../../shared/errors/error.ts";
import { fromWireError } from "../../../shared/errors/wire.ts";
import {
  type InvokeItem,
  InvokeItemSchema,
  JobStepSchema,
  type Outcome,
} from "../../../shared/gen/throughline/provider/v1/provider_pb.ts";
import { type JobReport, readJobReport, readJobReports } from "../../../shared/job-report.ts";
import { traceIdOf } from "../../../shared/request-id.ts";
import { jobContext, parseContext } from "../../../shared/telemetry/index.ts";
import type { JobsContext } from "../context.ts";
import type { JobRow } from "../db/job-row.ts";

/** What came of asking a vendor. */
export interface Asked<Report = JobReport> {
  /** Absent: it said nothing that can be read. */
  readonly report?: Report;
  /** What the provider says of it; absent: the provider itself was lost. */
  readonly outcome?: Outcome;
  /** Absent: there is a report. */
  readonly error?: ThroughlineError;
}

/** The context of a job's span: what is done for the job is below it. */
export function contextOf({ request_id: requestId, traceparent }: Pick<JobRow, "request_id" | "traceparent">): string {
  return jobContext({ requestId, traceparent });
}

/** What log lines about a job say of it. */
export function aboutJob({ request_id: id, traceparent }: Pick<JobRow, "request_id" | "traceparent">) {
  return { request_id: id.toString(), trace_id: parseContext(traceparent)?.traceId ?? traceIdOf(id) };
}

/** The item of a job's start. */
export function itemOf({ item }: Pick<JobRow, "item">): InvokeItem {
  return fromBinary(InvokeItemSchema, item);
}

/** What a step is asked for: on whose behalf, with what, and how long it may take. */
interface Question {
  readonly row: Pick<JobRow, "request_id" | "traceparent" | "created_at">;
  readonly item: InvokeItem;
  readonly step: MessageInitShape<typeof JobStepSchema>;
  readonly timeoutMs: number;
}

type AskContext = Pick<JobsContext, "provider">;

/** Has the provider take one step of a job. Never throws. */
export function ask(context: AskContext, question: Question): Promise<Asked> {
  return askFor(context, question, readJobReport);
}

/** Has the provider ask after several jobs. Never throws. */
export function askTogether(context: AskContext, question: Question): Promise<Asked<readonly JobReport[]>> {
  return askFor(context, question, readJobReports);
}

async function askFor<Report>(
  { provider }: AskContext,
  { row, item, step, timeoutMs }: Question,
  read: (bytes: Uint8Array) => Report,
): Promise<Asked<Report>> {
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
      traceparent: contextOf(row),
      timeoutMs,
      frameBytes: (frame) => frame.data.length,
    },
  );
  const pieces: Uint8Array[] = [];
  try {
    for await (const frame of stream) pieces.push(frame.data);
    const outcome = await stream.outcome;
    if (outcome.error !== undefined) return { outcome, error: fromWireError(outcome.error) };
    return { outcome, report: read(Buffer.concat(pieces)) };
  } catch (thrown) {
    const outcome = await stream.outcome.catch(() => undefined);
    return { error: ThroughlineError.from(thrown), ...(outcome === undefined ? {} : { outcome }) };
  }
}
