import { isFault } from "../../errors/catalogue.ts";
import { traceIdOf } from "../../request-id.ts";
import { attribute } from "../attributes.ts";
import type { Span } from "../span.ts";
import { rootSpanId, type Tracing } from "../tracing.ts";
import { type HttpFacts, httpAttributes, nameOf } from "./http.ts";

/** What the span of a request is begun with. */
export interface RequestStart {
  requestId: bigint;
  /** `traceIdOf(requestId)`. */
  traceId: string;
  /** HTTP method, upper case. */
  method: string;
  /** The route's pattern, e.g. "/v1/chat/completions"; "unknown" where none matched. Never the raw path: names take few values. */
  route: string;
  /** The caller's context (`contextOf`). Absent: none. */
  inbound?: string | undefined;
  /** True: the caller's trace goes on. False: a link is all that it gets. */
  trustsInbound: boolean;
  /** What HTTP says of the request. */
  http: HttpFacts;
  /** The client's own x-request-id. */
  clientRequestId?: string | undefined;
}

/** What the span of a request is ended with. */
export interface RequestEnd {
  /** HTTP status sent; 499 if the client left. */
  statusCode: number;
  /** Code of the error catalogue, if it failed: also where its head had said 200 by then. */
  errorCode?: string | undefined;
  /** True: a collector that knows of it may drop the trace. */
  traceDropped?: boolean | undefined;
  dialect?: string | undefined;
  module?: string | undefined;
  /** Model as configured. */
  model?: string | undefined;
  stream?: boolean | undefined;
  accountId?: bigint | undefined;
  keyId?: bigint | undefined;
  channel?: string | undefined;
  upstreamRequestId?: string | undefined;
  chargedNanoUsd?: bigint | undefined;
}

/** What the gateway does, as spans. */
export interface GatewaySpans {
  /** A request came in: the root of the platform's part of the trace. */
  request(start: RequestStart): Span;
  /** The client gets what an earlier request with its Idempotency-Key got: a link leads there. */
  replays(span: Span, requestId: bigint): void;
  /** The request is over, whichever way; ends the span. As the HTTP conventions say, a client's mistake does not mark it as failed. */
  answered(span: Span, end: RequestEnd): void;
}

/** Creates the spans of the gateway: a function for each event of its work. */
export function gatewaySpans(tracing: Tracing): GatewaySpans {
  return {
    request: ({ requestId, traceId, method, route, inbound, trustsInbound, clientRequestId, http }) =>
      tracing.startRoot(nameOf(method, route), {
        requestId,
        traceId,
        inbound: trustsInbound ? inbound : undefined,
        linked: trustsInbound ? undefined : inbound,
        kind: "server",
        attrs: () => ({
          ...httpAttributes(http, method),
          [attribute.httpRoute]: route === "unknown" ? undefined : route,
          [attribute.clientRequestId]: clientRequestId,
        }),
      }),
    replays: (span, requestId) => {
      const spanId = rootSpanId(requestId);
      if (!span.recording || spanId === undefined) return;
      const context = { traceId: traceIdOf(requestId), spanId, flags: 0 };
      span.link(context, { [attribute.linkReason]: "replay", [attribute.replayedRequestId]: requestId.toString() });
    },
    answered(span, end) {
      if (span.recording) {
        span.set({
          [attribute.httpStatus]: end.statusCode,
          [attribute.errorCode]: end.errorCode,
          [attribute.traceKept]: end.traceDropped === undefined ? undefined : !end.traceDropped,
          [attribute.dialect]: end.dialect,
          [attribute.module]: end.module,
          [attribute.model]: end.model,
          [attribute.stream]: end.stream,
          [attribute.account]: end.accountId?.toString(),
          [attribute.keyId]: end.keyId?.toString(),
          [attribute.channel]: end.channel,
          [attribute.upstreamRequestId]: end.upstreamRequestId,
          [attribute.chargedNanoUsd]: end.chargedNanoUsd?.toString(),
        });
        if (isFault(end.errorCode) || end.statusCode >= 500) span.fail(end.errorCode ?? String(end.statusCode));
      }
      span.end();
    },
  };
}
