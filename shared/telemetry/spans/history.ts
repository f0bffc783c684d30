import { attribute } from "../attributes.ts";
import type { Span } from "../span.ts";
import type { Tracing } from "../tracing.ts";
import { type BatchedCall, startCall } from "./call.ts";
import { type AskingCall, withStatementsOf } from "./database.ts";

/** What history does, as spans. */
export interface HistorySpans {
  /** A record is being written; `status` is the record's: "processing", "succeeded", "failed". */
  record(call: BatchedCall, status: string): Span;
  /** Runs what asks the database for these calls. */
  during<T>(calls: readonly AskingCall[], run: () => Promise<T>): Promise<T>;
}

/** Creates the spans of history: a function for each event of its work. */
export function historySpans(tracing: Tracing): HistorySpans {
  return {
    record: (call, status) =>
      startCall(tracing, "throughline.history.v1.HistoryService/Record", call, "server", () => ({
        [attribute.recordStatus]: status,
        [attribute.batchSize]: call.batchSize,
      })),
    during: (calls, run) => withStatementsOf(tracing, calls, run),
  };
}
