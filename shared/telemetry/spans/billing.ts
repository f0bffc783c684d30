import { attribute } from "../attributes.ts";
import type { Span } from "../span.ts";
import type { Tracing } from "../tracing.ts";
import { type BatchedCall, endCall, type ServedCall, startCall } from "./call.ts";
import { askingCalls, withStatementsOf } from "./database.ts";

const service = "throughline.billing.v1.BillingService";

/** What billing does, as spans. A refusal is `endCall(span, code)`. */
export interface BillingSpans {
  /** A key is being checked. */
  authenticate(call: ServedCall): Span;
  /** Runs what asks the database for these calls, whose spans `open` are. */
  during<T>(calls: readonly ServedCall[], open: readonly Span[], run: () => Promise<T>): Promise<T>;
  /** Credit is being reserved. */
  reserve(call: BatchedCall, account: { accountId: bigint; keyId: bigint }): Span;
  /** The reservation stands; ends the span. */
  reserved(span: Span, nanoUsd: bigint): void;
  /** A reservation is being turned into a charge. */
  settle(call: BatchedCall, accountId: bigint): Span;
  /** The charge stands; ends the span. `reason` is the settlement's own: "usage", "no_charge" ... */
  settled(span: Span, settlement: { reservedNanoUsd: bigint; billedNanoUsd: bigint; reason: string }): void;
}

/** Creates the spans of billing: a function for each event of its work. */
export function billingSpans(tracing: Tracing): BillingSpans {
  return {
    authenticate: (call) => startCall(tracing, `${service}/Authenticate`, call, "server"),
    during: (calls, open, run) => withStatementsOf(tracing, askingCalls(calls, open), run),
    reserve: (call, { accountId, keyId }) =>
      startCall(tracing, `${service}/Reserve`, call, "server", () => ({
        [attribute.account]: accountId.toString(),
        [attribute.keyId]: keyId.toString(),
        [attribute.batchSize]: call.batchSize,
      })),
    reserved(span, nanoUsd) {
      if (span.recording) span.set({ [attribute.reservedNanoUsd]: nanoUsd.toString() });
      endCall(span);
    },
    settle: (call, accountId) =>
      startCall(tracing, `${service}/Settle`, call, "server", () => ({
        [attribute.account]: accountId.toString(),
        [attribute.batchSize]: call.batchSize,
      })),
    settled(span, { reservedNanoUsd, billedNanoUsd, reason }) {
      if (span.recording) {
        span.set({
          [attribute.reservedNanoUsd]: reservedNanoUsd.toString(),
          [attribute.chargedNanoUsd]: billedNanoUsd.toString(),
          [attribute.settlementReason]: reason,
        });
      }
      endCall(span);
    },
  };
}
