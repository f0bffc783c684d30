import { ThroughlineError } from "../../../shared/errors/error.ts";
import type { UpstreamFailure } from "../domain/upstream-failure.ts";
import { faultTable, type UpstreamFault } from "../upstream/faults.ts";

/** What one attempt says of the health of its channel. */
export type Verdict =
  /** The upstream answered. */
  | { readonly kind: "good" }
  /** Nothing: the client's own mistake, the client left, or a fault of ours. */
  | { readonly kind: "neutral" }
  /** The upstream failed. `slow`: it kept the client waiting until a time was over. */
  | { readonly kind: "fault"; readonly slow: boolean }
  /** The credential was refused, or its rate is used up: another one of the channel may do better. */
  | { readonly kind: "credential"; readonly restMs: number }
  /** The upstream as a whole asks to be left alone for a time. */
  | { readonly kind: "rest"; readonly restMs: number };

/** The upstream answered. */
export const good: Verdict = { kind: "good" };
/** Nothing is known. */
export const neutral: Verdict = { kind: "neutral" };
/** The upstream kept the client waiting until a time was over. */
export const slowFault: Verdict = { kind: "fault", slow: true };
/** The upstream failed at once, or in the middle of its answer. */
export const quickFault: Verdict = { kind: "fault", slow: false };

/** The verdict on a call that failed before HTTP could say why. */
export function faultVerdict(fault: UpstreamFault): Verdict {
  const { upstreamAtFault, code } = faultTable[fault.kind];
  if (!upstreamAtFault) return neutral;
  return code === "upstream_timeout" ? slowFault : quickFault;
}

/** The verdict on an answer that is an error. */
export function failureVerdict(status: number, failure: UpstreamFailure): Verdict {
  if (!failure.failover || !failure.unhealthy) return neutral;
  if (failure.cooldownMs > 0) return { kind: status < 500 ? "credential" : "rest", restMs: failure.cooldownMs };
  return failure.error.code === "upstream_timeout" ? slowFault : quickFault;
}

/** The verdict on an answer that broke off by its own words: an error inside a 200, or something that is no answer. */
export function thrownVerdict(thrown: unknown): Verdict {
  switch (ThroughlineError.from(thrown).code) {
    case "upstream_error":
    case "upstream_overloaded":
      return quickFault;
    case "upstream_timeout":
      return slowFault;
    default:
      return neutral;
  }
}
