import type { EventContent } from "./job-event.ts";

/** What is known of a batch that has ended. */
export interface EndedBatch {
  readonly batchId: bigint;
  /** True: its client speaks to it as Anthropic's. */
  readonly isMessageBatch: boolean;
  readonly cancelRequested: boolean;
  /** Lines that came to no end within the batch's time. */
  readonly expired: number;
}

/** The event that tells how a batch ended, in the words of its status. */
export function batchEvent({ batchId, isMessageBatch, cancelRequested, expired }: EndedBatch): EventContent {
  return {
    type: cancelRequested ? "batch.cancelled" : expired > 0 ? "batch.expired" : "batch.completed",
    data: { id: `${isMessageBatch ? "msgbatch" : "batch"}_${batchId}`, request_id: batchId.toString() },
  };
}
