import { ThroughlineError } from "../../../shared/errors/error.ts";

/**
 * Whether a value was nested deeper than the stack reaches. JSON.parse takes any depth, JSON.stringify and what we do by
 * recursion some thousands.
 */
export function isTooDeep(thrown: unknown): thrown is RangeError {
  return thrown instanceof RangeError && thrown.message.includes("call stack");
}

/** What was thrown while an answer was read: that it is nested too deeply is its upstream's fault and none of ours. */
export function asUpstreamFault(thrown: unknown): unknown {
  if (!isTooDeep(thrown)) return thrown;
  return new ThroughlineError("upstream_error", "The upstream's answer is nested too deeply.", { cause: thrown });
}

/** An answer as a document for history; one that is nested too deeply to be written counts as cut. */
export function writeDocument(
  value: object,
  truncated: boolean,
): { readonly body: Uint8Array; readonly truncated: boolean } {
  try {
    return { body: Buffer.from(JSON.stringify(value)), truncated };
  } catch (thrown) {
    if (!isTooDeep(thrown)) throw thrown;
    return { body: new Uint8Array(), truncated: true };
  }
}

/** JSON text of a value that an upstream gave, for its length; empty where it is nested too deeply. */
export function textOf(value: object): string {
  return Buffer.from(writeDocument(value, false).body).toString();
}
