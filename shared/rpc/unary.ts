import type { DescMethod } from "@bufbuild/protobuf";
import { ThroughlineError } from "../errors/error.ts";
import type { CallSpans } from "./call-spans.ts";
import type { AnyHandler } from "./define.ts";
import { methodName } from "./shape.ts";
import type { RpcLog, UnaryContext } from "./types.ts";

/** Metadata of a unary call: the request ID, decimal. */
export const requestIdKey = "throughline-request-id";
/** Metadata of a unary call: W3C trace context. */
export const traceparentKey = "traceparent";

/** A handler of a unary method. */
export type AnyUnaryHandler = Extract<AnyHandler, { kind: "unary" }>;

/** Runs a unary handler; rejects with one of our errors only, and tells the log of faults of ours. */
export async function runUnary(
  method: DescMethod,
  handler: AnyUnaryHandler,
  request: unknown,
  context: UnaryContext,
  log: RpcLog | undefined,
  spans?: CallSpans | undefined,
): Promise<unknown> {
  try {
    if (spans === undefined) return await handler.run(request, context);
    return await spans.served(methodName(method), context, () => handler.run(request, context));
  } catch (thrown) {
    const error = ThroughlineError.from(thrown);
    if (error.code === "internal_error") {
      log?.error(
        { err: error.cause ?? error, method: method.name, requestId: String(context.requestId) },
        "a handler failed",
      );
    }
    throw error;
  }
}
