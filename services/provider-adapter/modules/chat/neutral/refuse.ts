import { ThroughlineError } from "../../../../../shared/errors/error.ts";

/** The error of a value that the upstream's format has no words for. `at` is its path in the client's body. */
export function cannotExpress(at: string, why: string): ThroughlineError {
  return new ThroughlineError("invalid_value", `${at} cannot be sent to this model: ${why}.`, { param: at });
}

/** The error of a value that is not what the dialect says it must be. */
export function notValid(at: string, what: string): ThroughlineError {
  return new ThroughlineError("invalid_value", `${at} ${what}.`, { param: at });
}
