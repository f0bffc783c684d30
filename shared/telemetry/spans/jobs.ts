import { attribute } from "../attributes.ts";
import type { Span, SpanAttributes } from "../span.ts";
import { formatContext, parseContext } from "../traceparent.ts";
import type { Tracing } from "../tracing.ts";
import type { ServedCall } from "./call.ts";

/** What became of a try to deliver a webhook. */
export type DeliveryOutcome = "delivered" | "failed" | "dead";

/** A job that has ended, as its span tells it. */
export interface EndedJobSpan {
  /** The call that began the job; `traceparent` is that of its request. */
  readonly call: ServedCall;
  readonly module: string;
  readonly model: string;
  /** Empty: none has taken it. */
  readonly channel: string;
  readonly vendorJobId: string;
  readonly polls: number;
  /** "success", or the code of its error. */
  readonly outcome: string;
  readonly message: string;
  /** True: it is a fault of the platform's or an upstream's. */
  readonly isFault: boolean;
  readonly startUnixMs: number;
  /** What happened, with milliseconds since the start. */
  readonly events: readonly (readonly [name: string, atMs: number])[];
}

/** What jobs does, as spans. */
export interface JobsSpans {
  /** A job from its request to its end. Questions, the settlement and webhooks are below it (`jobContext`). */
  job(ended: EndedJobSpan): void;
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

/** Request IDs have 63 bits, and a request's root span has its request's ID: the job's has the bit that is left. */
const jobBit = 1n << 63n;

/** The context of a job's span, which is told when the job ends: whatever is done for the job meanwhile is below it. */
export function jobContext({ requestId, traceparent }: ServedCall): string {
  const request = parseContext(traceparent);
  return request === undefined ? traceparent : formatContext({ ...request, spanId: jobSpanId(requestId) });
}

function jobSpanId(requestId: bigint): string {
  return (requestId | jobBit).toString(16);
}

/** Creates the spans of jobs: a function for each event of its work. */
export function jobsSpans(tracing: Tracing): JobsSpans {
  return {
    job(ended) {
      const { call, outcome, startUnixMs } = ended;
      const span = tracing.startChild("throughline.job", {
        parent: call.traceparent,
        requestId: call.requestId,
        spanId: jobSpanId(call.requestId),
        startUnixMs,
        kind: "internal",
        attrs: () => ({
          [attribute.module]: ended.module,
          [attribute.requestModel]: ended.model,
          [attribute.channel]: ended.channel || undefined,
          [attribute.vendorJobId]: ended.vendorJobId || undefined,
          [attribute.jobPolls]: ended.polls,
          [attribute.jobOutcome]: outcome,
        }),
      });
      for (const [name, atMs] of ended.events) span.event(`throughline.job.${name}`, {}, startUnixMs + atMs);
      if (ended.isFault) span.fail(outcome, ended.message);
      span.end();
    },
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
