/** What a service knows of the call it serves: `LaneCall` has both. */
export interface ServedCall {
  requestId: bigint;
  /** Of the caller's span. */
  traceparent: string;
}

/** A call served as part of a batch: its span starts and ends with the batch. */
export interface BatchedCall extends ServedCall {
  /** Items that one statement serves. */
  batchSize: number;
}
