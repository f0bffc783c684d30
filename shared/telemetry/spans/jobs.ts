import { attribute } from "../attributes.ts";
import type { Span } from "../span.ts";
import type { Tracing } from "../tracing.ts";

/** What became of a try to deliver a webhook. */
export type DeliveryOutcome = "delivered" | "failed" | "dead";

/** What jobs does, as spans. */
export interface JobsSpans {
  /** A webhook is being delivered. `type`: of its event; `attempt`: from 1 on. */
  deliver(call: { requestId: bigint; traceparent: string }, type: string, attempt: number): Span;
  /** What became of it; ends the span. `status`: of the answer, 0 where there was none; `error`: a sentence. */
  delivered(span: Span, outcome: DeliveryOutcome, status: number, error: string): void;
}

export function jobsSpans(tracing: Tracing): JobsSpans {
  return {
    deliver: ({ requestId, traceparent }, type, attempt) =>
      tracing.startChild("webhook", {
        parent: traceparent,
        requestId,
        kind: "client",
        attrs: () => ({ [attribute.eventType]: type, [attribute.attempt]: attempt, [attribute.httpMethod]: "POST" }),
      }),
    delivered(span, outcome, status, error) {
      span.set({ [attribute.deliveryOutcome]: outcome, [attribute.httpStatus]: status === 0 ? undefined : status });
      if (outcome !== "delivered") span.fail(`delivery_${outcome}`, error);
      span.end();
    },
  };
}
