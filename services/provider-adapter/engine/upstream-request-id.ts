import { ThroughlineError } from "../../../shared/errors/error.ts";

/** Response headers that carry a vendor's request ID, in the order of wire/providers.md. */
const headerNames = [
  "x-oneapi-request-id",
  "x-request-id",
  "request-id",
  "x-ds-trace-id",
  "msh-request-id",
  "mistral-correlation-id",
  "x-generation-id",
  "apim-request-id",
  "x-log-id",
  "x-litellm-call-id",
  "x-amzn-requestid",
  "x-trace-id",
  "trace-id",
] as const;

const maxLength = 256;

/**
 * The request ID that an upstream gave in its headers: the first printable one; empty: none.
 *
 * @param first headers of the vendor, before the usual ones.
 */
export function upstreamRequestIdOf(
  headers: Readonly<Record<string, string | string[] | undefined>>,
  first: readonly string[] = [],
): string {
  return firstOf(headers, first) || firstOf(headers, headerNames);
}

function firstOf(headers: Readonly<Record<string, string | string[] | undefined>>, names: readonly string[]): string {
  for (const name of names) {
    const value = headers[name];
    const text = Array.isArray(value) ? value[0] : value;
    if (text !== undefined && /^[\x21-\x7e]+$/.test(text)) return text.slice(0, maxLength);
  }
  return "";
}

/** The error with the request ID that the upstream gave; the error as it is where it has one, or none was given. */
export function withUpstreamRequestId(error: ThroughlineError, upstreamRequestId: string): ThroughlineError {
  if (upstreamRequestId === "" || error.upstreamRequestId !== undefined) return error;
  const { code, message, param, httpStatus, retryAfterMs, headers, cause } = error;
  const rest = { param, httpStatus, retryAfterMs, headers, cause };
  return new ThroughlineError(code, message, { ...rest, upstreamRequestId });
}
