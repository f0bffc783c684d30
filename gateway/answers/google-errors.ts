import { errorHeaders, publicError } from "../../shared/errors/envelope.ts";
import type { ThroughlineError } from "../../shared/errors/error.ts";
import type { InBandError } from "./in-band-errors.ts";

/** google.rpc.Code's name of an HTTP status; others by their class. */
const names: Readonly<Record<number, string>> = {
  400: "INVALID_ARGUMENT",
  401: "UNAUTHENTICATED",
  402: "FAILED_PRECONDITION",
  403: "PERMISSION_DENIED",
  404: "NOT_FOUND",
  409: "ABORTED",
  429: "RESOURCE_EXHAUSTED",
  499: "CANCELLED",
  500: "INTERNAL",
  501: "UNIMPLEMENTED",
  504: "DEADLINE_EXCEEDED",
};

/**
 * An error as Google's clients read it. The platform's own words stand in its details: the code, the path of the parameter,
 * and the request ID, by which everything is found.
 */
export function googleError(error: ThroughlineError, requestId: string): object {
  const shown = publicError(error);
  const status = names[shown.httpStatus] ?? (shown.httpStatus < 500 ? "INVALID_ARGUMENT" : "UNAVAILABLE");
  const metadata = {
    request_id: requestId,
    ...(shown.param === undefined ? {} : { param: shown.param }),
    ...(shown.upstreamRequestId === undefined ? {} : { upstream_request_id: shown.upstreamRequestId }),
  };
  const details: object[] = [
    { "@type": "type.googleapis.com/google.rpc.ErrorInfo", reason: shown.code, domain: "throughline", metadata },
  ];
  const waitS = errorHeaders(error)["retry-after"];
  if (waitS !== undefined) {
    details.push({ "@type": "type.googleapis.com/google.rpc.RetryInfo", retryDelay: `${waitS}s` });
  }
  return { error: { code: shown.httpStatus, message: shown.message, status, details } };
}

/** A chunk with an error: @google/genai 3.3 throws it where its code is an HTTP status. */
export const googleInBandError: InBandError = (error, requestId) =>
  `data: ${JSON.stringify(googleError(error, requestId))}\n\n`;
