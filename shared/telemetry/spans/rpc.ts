import { ThroughlineError } from "../../errors/error.ts";
import type { CallSpans, TracedCall } from "../../rpc/index.ts";
import { attribute } from "../attributes.ts";
import type { Span, SpanAttributes } from "../span.ts";
import type { Tracing } from "../tracing.ts";
import { endCall, startCall } from "./call.ts";
import { withStatementsOf } from "./database.ts";

/**
 * Spans of the calls that no service makes spans of by itself: of its caller, which waits for them, and of the unary methods
 * that it serves. Work that belongs to no request makes none: there are calls every second for as long as a process lives.
 */
export function rpcSpans(tracing: Tracing): CallSpans {
  return {
    asked(method, options, target, ask) {
      const span = begin(method, options, "client", () => serverOf(target));
      return span === undefined ? ask(options) : follow(span, ask({ ...options, traceparent: span.traceparent }));
    },
    opened(method, options, target) {
      const span = begin(method, options, "client", () => serverOf(target));
      if (span === undefined) return undefined;
      return { traceparent: span.traceparent, end: (code) => endCall(span, code) };
    },
    served(method, call, serve) {
      const span = begin(method, call, "server");
      if (span === undefined) return serve();
      return follow(span, withStatementsOf(tracing, [{ span, requestId: call.requestId }], serve));
    },
  };

  /** Undefined: nobody records it. */
  function begin(
    method: string,
    { requestId = 0n, traceparent = "" }: TracedCall,
    kind: "client" | "server",
    attrs?: () => SpanAttributes,
  ): Span | undefined {
    if (traceparent === "") return undefined;
    const span = startCall(tracing, method, { requestId, traceparent }, kind, attrs);
    return span.recording ? span : undefined;
  }
}

async function follow<T>(span: Span, answered: Promise<T>): Promise<T> {
  try {
    const answer = await answered;
    endCall(span);
    return answer;
  } catch (thrown) {
    endCall(span, ThroughlineError.from(thrown).code);
    throw thrown;
  }
}

/** Host and port of a target of gRPC: `dns:///host:port`, `host:port`, `ipv4:...`, `unix:/path`. */
export function serverOf(target: string): SpanAttributes {
  const path = /^unix:(?:\/\/)?(.+)$/.exec(target)?.[1];
  if (path !== undefined) return { [attribute.serverAddress]: path };
  const authority = target.replace(/^[a-z][a-z0-9+.-]*:(?:\/\/[^/]*\/)?(?=.*:\d+$)/, "");
  const [, host = authority, port] = /^\[?(.+?)\]?:(\d+)$/.exec(authority) ?? [];
  return { [attribute.serverAddress]: host, [attribute.serverPort]: port === undefined ? undefined : Number(port) };
}
