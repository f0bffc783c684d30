import { ThroughlineError } from "../../../shared/errors/error.ts";

/** Shorter ones are words ("none", "EMPTY") of upstreams that need no key. */
const minSecretLength = 8;

/**
 * A text of the upstream without the credential that it was sent. Some repeat it in their errors, and patterns find only
 * those keys that look like a vendor's.
 */
export function hideCredential(text: string, credential: string): string {
  return credential.length < minSecretLength ? text : text.replaceAll(credential, "[key]");
}

/** The error without the credential. */
export function withoutCredential(error: ThroughlineError, credential: string): ThroughlineError {
  const message = hideCredential(error.message, credential);
  const param = error.param === undefined ? undefined : hideCredential(error.param, credential);
  if (message === error.message && param === error.param) return error;
  const { code, httpStatus, retryAfterMs, upstreamRequestId, headers } = error;
  return new ThroughlineError(code, message, { param, httpStatus, retryAfterMs, upstreamRequestId, headers });
}
