import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { type BatchReport, readBatchReport, vendorBatchDialect } from "../../../shared/batch-report.ts";
import { ThroughlineError } from "../../../shared/errors/error.ts";
import { fromWireError } from "../../../shared/errors/wire.ts";
import {
  type InvokeItem,
  type InvokeItemSchema,
  JobStepSchema,
  type Outcome,
} from "../../../shared/gen/throughline/provider/v1/provider_pb.ts";
import { type BodySource, wasUnsent } from "../../../shared/rpc/index.ts";
import type { JobsContext } from "../context.ts";
import type { Refusal } from "../domain/creation-fate.ts";

type Item = MessageInitShape<typeof InvokeItemSchema>;

/** What came of a step: bytes, or why there are none. */
export interface Said {
  readonly bytes: Buffer;
  /** Absent: the provider itself was lost. */
  readonly outcome: Outcome | undefined;
  readonly error: ThroughlineError | undefined;
}

/** Whose step it is. */
export interface Asker {
  readonly requestId: bigint;
  readonly traceparent: string;
  readonly timeoutMs: number;
  readonly body?: BodySource | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** The item of a step about a whole batch. @param item of one of its lines. */
export function stepItem(item: InvokeItem, channel: string, job: MessageInitShape<typeof JobStepSchema>): Item {
  return { ...pinned(item, channel), dialect: vendorBatchDialect, headers: {}, job: create(JobStepSchema, job) };
}

/** An item for one channel alone, whose outcome is ours to settle. */
export function pinned(item: InvokeItem, channel: string): InvokeItem {
  const candidates = item.candidates.filter((candidate) => candidate.channel === channel);
  return { ...item, facts: undefined, stream: false, candidates };
}

/** Has the provider take a step. Never throws. */
export async function askProvider(
  { provider }: Pick<JobsContext, "provider">,
  item: Item,
  { requestId, traceparent, timeoutMs, body, signal }: Asker,
): Promise<Said> {
  const stream = provider.invoke.open(item, {
    ...{ requestId, traceparent, timeoutMs, frameBytes: (frame) => frame.data.length },
    ...(body === undefined ? {} : { body }),
    ...(signal === undefined ? {} : { signal }),
  });
  const pieces: Uint8Array[] = [];
  let error: ThroughlineError | undefined;
  try {
    for await (const frame of stream) pieces.push(frame.data);
  } catch (thrown) {
    error = ThroughlineError.from(thrown);
  }
  const outcome = await stream.outcome.catch((thrown: unknown) => {
    error ??= ThroughlineError.from(thrown);
    return undefined;
  });
  if (outcome?.error !== undefined) error = fromWireError(outcome.error);
  return { bytes: Buffer.concat(pieces), outcome, error };
}

/** What a vendor answered to a step of a batch. */
export interface Answered {
  readonly report?: BatchReport;
  /** Absent: there is a report. */
  readonly error?: ThroughlineError;
  /** Its channel was removed, and nothing leads to the vendor's account any more. */
  readonly isLost: boolean;
  readonly refusal: Refusal;
}

/** Has a vendor take a step of a batch. Never throws. */
export async function askVendor(context: Pick<JobsContext, "provider">, item: Item, asker: Asker): Promise<Answered> {
  const { bytes, outcome, error } = await askProvider(context, item, asker);
  const status = outcome?.attempts.at(-1)?.httpStatus ?? 0;
  const isUnheard = outcome === undefined && !wasUnsent(error);
  const refusal = { status, isUnknown: isUnheard || error?.code === "upstream_outcome_unknown" };
  const isLost = outcome?.jobLost === true;
  if (error !== undefined) return { error, isLost, refusal };
  try {
    return { report: readBatchReport(bytes), isLost, refusal };
  } catch (thrown) {
    return { error: ThroughlineError.from(thrown), isLost, refusal: { status, isUnknown: true } };
  }
}
