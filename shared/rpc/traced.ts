import type { DescMethod } from "@bufbuild/protobuf";
import { ThroughlineError } from "../errors/error.ts";
import type { CallSpans } from "./call-spans.ts";
import type { LooseLaneMethod } from "./lane-method.ts";
import { methodName } from "./shape.ts";
import type { CallOptions } from "./types.ts";

type AskUnary = (request: unknown, options: CallOptions) => Promise<unknown>;

/** A unary method whose calls have spans. */
export function tracedUnary(method: DescMethod, ask: AskUnary, spans: CallSpans, target: string): AskUnary {
  const name = methodName(method);
  return (request, options) => spans.asked(name, options, target, (told) => ask(request, told));
}

/** A lane method whose calls have spans. */
export function tracedLane(
  method: DescMethod,
  lane: LooseLaneMethod,
  spans: CallSpans,
  target: string,
): LooseLaneMethod {
  const name = methodName(method);
  return {
    call: (item, options) => spans.asked(name, options, target, (told) => lane.call(item, told)),
    open(item, options) {
      const span = spans.opened(name, options, target);
      if (span === undefined) return lane.open(item, options);
      const stream = lane.open(item, { ...options, traceparent: span.traceparent });
      stream.outcome.then(
        (outcome) => span.end(codeIn(outcome)),
        (thrown) => span.end(ThroughlineError.from(thrown).code),
      );
      return stream;
    },
  };
}

/** Why a call failed whose outcome says so itself, as an outcome of Invoke does. */
function codeIn(outcome: unknown): string | undefined {
  const error = typeof outcome === "object" && outcome !== null && "error" in outcome ? outcome.error : undefined;
  const code = typeof error === "object" && error !== null && "code" in error ? error.code : undefined;
  return typeof code === "string" && code !== "" ? code : undefined;
}
