import { attribute } from "../attributes.ts";
import type { Span } from "../span.ts";
import type { Tracing } from "../tracing.ts";
import type { BatchedCall, ServedCall } from "./call.ts";

/** What billing does, as spans. A refusal is `span.fail(code)` and `span.end()`. */
export interface BillingSpans {
  /** A key is being checked. */
  authenticate(call: ServedCall): Span;
  /** Credit is being reserved. */
  reserve(call: BatchedCall, account: { accountId: bigint; keyId: bigint }): Span;
  /** The reservation stands; ends the span. */
  reserved(span: Span, nanoUsd: bigint): void;
  /** A reservation is being turned into a charge. */
  settle(call: BatchedCall, accountId: bigint): Span;
  /** The charge stands; ends the span. `reason` is the settlement's own: "usage", "no_charge" ... */
  settled(span: Span, settlement: { reservedNanoUsd: bigint; billedNanoUsd: bigint; reason: string }): void;
}

export function billingSpans(tracing: Tracing): BillingSpans {
  return {
    authenticate: ({ requestId, traceparent }) =>
      tracing.startChild("billing.Authenticate", { parent: traceparent, requestId, kind: "server" }),
    reserve: ({ requestId, traceparent, batchSize }, { accountId, keyId }) =>
      tracing.startChild("billing.Reserve", {
        parent: traceparent,
        requestId,
        kind: "server",
        attrs: () => ({
          [attribute.account]: accountId.toString(),
          [attribute.keyId]: keyId.toString(),
          [attribute.batchSize]: batchSize,
        }),
      }),
    reserved(span, nanoUsd) {
      if (span.recording) span.set({ [attribute.reservedNanoUsd]: nanoUsd.toString() });
      span.end();
    },
    settle: ({ requestId, traceparent, batchSize }, accountId) =>
      tracing.startChild("billing.Settle", {
        parent: traceparent,
        requestId,
        kind: "server",
        attrs: () => ({ [attribute.account]: accountId.toString(), [attribute.batchSize]: batchSize }),
      }),
    settled(span, { reservedNanoUsd, billedNanoUsd, reason }) {
      if (span.recording) {
        span.set({
          [attribute.reservedNanoUsd]: reservedNanoUsd.toString(),
          [attribute.chargedNanoUsd]: billedNanoUsd.toString(),
          [attribute.settlementReason]: reason,
        });
      }
      span.end();
    },
  };
}
