import { type Batch, BatchState } from "../../shared/gen/throughline/jobs/v1/batches_pb.ts";

/** ID of the message batch that a request makes. */
export function messageBatchId(id: bigint): string {
  return `msgbatch_${id}`;
}

/** A batch as Anthropic's API shows it. @param origin of the address that the client called. */
export function toMessageBatch(batch: Batch, origin: string): object {
  const id = messageBatchId(batch.batchId);
  const hasEnded = batch.state === BatchState.ENDED;
  const { total = 0, succeeded = 0, failed = 0, cancelled = 0, expired = 0 } = batch.counts ?? {};
  return {
    id,
    type: "message_batch",
    processing_status: hasEnded ? "ended" : batch.cancelRequested ? "canceling" : "in_progress",
    request_counts: {
      // All of them stand here until the batch has ended, as at Anthropic.
      processing: hasEnded ? 0 : total,
      succeeded: hasEnded ? succeeded : 0,
      errored: hasEnded ? failed : 0,
      canceled: hasEnded ? cancelled : 0,
      expired: hasEnded ? expired : 0,
    },
    ended_at: time(batch.endedUnixMs),
    created_at: time(batch.createdUnixMs),
    expires_at: time(batch.deadlineUnixMs),
    archived_at: null,
    cancel_initiated_at: time(batch.cancellingUnixMs),
    results_url: hasEnded ? `${origin}/v1/messages/batches/${id}/results` : null,
  };
}

/** null: not yet. */
function time(unixMs: bigint): string | null {
  return unixMs === 0n ? null : new Date(Number(unixMs)).toISOString();
}
