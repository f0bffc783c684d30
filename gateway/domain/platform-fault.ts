import { ThroughlineError } from "../../shared/errors/error.ts";

/**
 * The error of a call inside the platform that failed before any upstream was asked. Its deadline is no upstream's: what
 * a client gets is 503 with a time to come back, not 504 (PostgreSQL away for 20 s had shown as upstream_timeout).
 */
export function platformFault(thrown: unknown): ThroughlineError {
  const error = ThroughlineError.from(thrown);
  if (error.code !== "upstream_timeout") return error;
  return new ThroughlineError("service_unavailable", error.message, { cause: error });
}
