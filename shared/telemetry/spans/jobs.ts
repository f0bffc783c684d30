import { attribute } from "../attributes.ts";
import type { Span, SpanAttributes } from "../span.ts";
import type { Tracing } from "../tracing.ts";
import type { ServedCall } from "./call.ts";

/** What became of a try to deliver a webhook. */
export type DeliveryOutcome = "delivered" | "failed" | "dead";

/** What jobs does, as spans. */
export interface JobsSpans {
  /** A webhook is being delivered. `type`: of its event; `attempt`: from 1 on; `url`: where it goes. */
  deliver(call: ServedCall, webhook: { type: string; attempt: number; url: string }): Span;
  /** What became of it; ends the span. `status`: of the answer, 0 where there was none; `error`: a sentence. */
  delivered(span: Span, outcome: DeliveryOutcome, status: number, error: string): void;
}

/** Paths and queries of receivers hold secrets as often as not, so of the address only the host is told. */
function receiverOf(url: string): SpanAttributes {
  if (!URL.canParse(url)) return {};
  const { origin, hostname, port, protocol } = new URL(url);
  return {
    [attribute.urlFull]: `${origin}/REDACTED`,
    [attribute.serverAddress]: hostname,
    [attribute.serverPort]: port === "" ? (protocol === "https:" ? 443 : 80) : Number(port),
  };
}

export function jobsSpans(tracing: Tracing): JobsSpans {
  return {
    deliver: ({ requestId, traceparent }, { type, attempt, url }) =>
      tracing.startChild("POST webhook", {
        parent: traceparent,
        requestId,
        kind: "client",
        attrs: () => ({
          [attribute.eventType]: type,
          [attribute.attempt]: attempt,
          [attribute.httpMethod]: "POST",
          [attribute.resendCount]: attempt === 1 ? undefined : attempt - 1,
          ...receiverOf(url),
        }),
      }),
    delivered(span, outcome, status, error) {
      span.set({ [attribute.deliveryOutcome]: outcome, [attribute.httpStatus]: status === 0 ? undefined : status });
      if (outcome !== "delivered") span.fail(`delivery_${outcome}`, error);
      span.end();
    },
  };
}
