import { attribute } from "../attributes.ts";
import type { Span } from "../span.ts";
import type { Tracing } from "../tracing.ts";
import type { BatchedCall } from "./call.ts";

/** What history does, as spans. */
export interface HistorySpans {
  /** A record is being written; `status` is the record's: "processing", "succeeded", "failed". */
  record(call: BatchedCall, status: string): Span;
}

export function historySpans(tracing: Tracing): HistorySpans {
  return {
    record: ({ requestId, traceparent, batchSize }, status) =>
      tracing.startChild("history.Record", {
        parent: traceparent,
        requestId,
        kind: "server",
        attrs: () => ({ [attribute.recordStatus]: status, [attribute.batchSize]: batchSize }),
      }),
  };
}
