import { isErrorCode } from "../../errors/catalogue.ts";
import { grpcStatusOf } from "../../errors/grpc-status.ts";
import { attribute } from "../attributes.ts";
import type { Span, SpanAttributes } from "../span.ts";
import type { Tracing } from "../tracing.ts";

/** What a service knows of the call it serves: `LaneCall` has both. */
export interface ServedCall {
  requestId: bigint;
  /** W3C traceparent of the caller's span. */
  traceparent: string;
}

/** A call served as part of a batch: its span starts and ends with the batch. */
export interface BatchedCall extends ServedCall {
  /** Items that one statement serves. */
  batchSize: number;
}

/**
 * Statuses that are the server's fault, by the conventions for gRPC. A span on the caller's side goes by the same list: there
 * the conventions call every other status an error too, and a key without credit would make a failed trace of a client's mistake.
 */
const serverFaults: ReadonlySet<string> = new Set([
  ...["UNKNOWN", "DEADLINE_EXCEEDED", "UNIMPLEMENTED", "INTERNAL", "UNAVAILABLE", "DATA_LOSS"],
]);

/** Starts the span of a call as the conventions for RPC have it. `method`: "package.Service/Method". */
export function startCall(
  tracing: Tracing,
  method: string,
  { requestId, traceparent }: ServedCall,
  kind: "server" | "client",
  attrs?: () => SpanAttributes,
): Span {
  return tracing.startChild(method, {
    parent: traceparent,
    requestId,
    kind,
    attrs: () => ({ [attribute.rpcSystem]: "grpc", [attribute.rpcMethod]: method, ...attrs?.() }),
  });
}

/** Ends the span of a call. `code`: of the error catalogue; absent: it succeeded. */
export function endCall(span: Span, code?: string, message?: string): void {
  if (span.recording) {
    const status = code === undefined ? "OK" : isErrorCode(code) ? grpcStatusOf[code] : "UNKNOWN";
    span.set({ [attribute.rpcStatus]: status, [attribute.errorCode]: code });
    if (serverFaults.has(status)) span.fail(status, message);
  }
  span.end();
}
