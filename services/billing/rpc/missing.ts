import { ThroughlineError } from "../../../shared/errors/error.ts";

/** `not_found` for an account. */
export function noAccount(param = "account_id"): ThroughlineError {
  return new ThroughlineError("not_found", "There is no such account; check its ID.", { param });
}

/** `not_found` for a key. */
export function noKey(): ThroughlineError {
  return new ThroughlineError("not_found", "There is no such key; check its ID and its account.", { param: "key_id" });
}
