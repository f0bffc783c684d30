import { type Batch, BatchState } from "../../shared/gen/throughline/jobs/v1/batches_pb.ts";
import { fileId } from "./file.ts";

/** What the service keeps of a request for a batch, so that its client can be shown it. */
export interface BatchView {
  readonly completion_window: string;
  readonly metadata: Readonly<Record<string, string>> | null;
}

/** ID of the batch that a request makes. */
export function batchId(id: bigint): string {
  return `batch_${id}`;
}

function statusOf({ state, cancelRequested, counts }: Batch): string {
  if (state === BatchState.ENDED) {
    if (cancelRequested) return "cancelled";
    return (counts?.expired ?? 0) > 0 ? "expired" : "completed";
  }
  if (cancelRequested) return "cancelling";
  return state === BatchState.FINALIZING ? "finalizing" : state === BatchState.RUNNING ? "in_progress" : "validating";
}

/** A batch as OpenAI's API shows it. */
export function toBatch(batch: Batch): object {
  const view = JSON.parse(Buffer.from(batch.view).toString()) as BatchView;
  const status = statusOf(batch);
  const endedAt = (of: string): number | null => (status === of ? seconds(batch.endedUnixMs) : null);
  const { counts, usage } = batch;
  const cached = Number(usage?.cachedInputTokens ?? 0n);
  const input = Number((usage?.inputTokens ?? 0n) + (usage?.cacheWriteTokens ?? 0n)) + cached;
  const reasoning = Number(usage?.reasoningTokens ?? 0n);
  const output = Number(usage?.outputTokens ?? 0n) + reasoning;
  return {
    id: batchId(batch.batchId),
    object: "batch",
    endpoint: batch.endpoint,
    model: batch.models.length === 1 ? batch.models[0] : null,
    errors: null,
    input_file_id: fileId(batch.inputFileId),
    completion_window: view.completion_window,
    status,
    output_file_id: batch.outputFileId === 0n ? null : fileId(batch.outputFileId),
    error_file_id: batch.errorFileId === 0n ? null : fileId(batch.errorFileId),
    created_at: seconds(batch.createdUnixMs),
    in_progress_at: seconds(batch.startedUnixMs),
    expires_at: seconds(batch.deadlineUnixMs),
    finalizing_at: seconds(batch.finalizingUnixMs),
    completed_at: endedAt("completed"),
    failed_at: null,
    expired_at: endedAt("expired"),
    cancelling_at: seconds(batch.cancellingUnixMs),
    cancelled_at: endedAt("cancelled"),
    request_counts: {
      total: counts?.total ?? 0,
      completed: counts?.succeeded ?? 0,
      failed: (counts?.failed ?? 0) + (counts?.expired ?? 0),
    },
    usage: {
      input_tokens: input,
      input_tokens_details: { cached_tokens: cached },
      output_tokens: output,
      output_tokens_details: { reasoning_tokens: reasoning },
      total_tokens: input + output,
    },
    metadata: view.metadata,
  };
}

/** null: not yet. */
function seconds(unixMs: bigint): number | null {
  return unixMs === 0n ? null : Number(unixMs / 1_000n);
}
