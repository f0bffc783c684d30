import { ThroughlineError } from "../../../shared/errors/error.ts";

/** `invalid_value` for a field of the contract. */
export function invalid(param: string, what: string): ThroughlineError {
  return new ThroughlineError("invalid_value", `${param} ${what}.`, { param });
}
