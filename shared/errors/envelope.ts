import type { ErrorCode, ErrorType } from "./catalogue.ts";
import { internalErrorMessage, ThroughlineError } from "./error.ts";

/** The body of every non-2xx answer of the platform, and the payload of an error inside a stream. */
export interface ErrorEnvelope {
  readonly type: "error";
  readonly error: {
    readonly type: ErrorType;
    readonly code: ErrorCode;
    readonly message: string;
    readonly param: string | null;
    readonly request_id: string;
    readonly upstream_request_id: string | null;
  };
  readonly request_id: string;
}

/**
 * The envelope of an error.
 *
 * @param error what was raised. One that is not public is shown as `internal_error`: its own words are for records.
 * @param requestId the request ID in the spelling that clients are shown.
 */
export function envelope(error: ThroughlineError, requestId: string): ErrorEnvelope {
  const shown = publicError(error);
  return {
    type: "error",
    error: {
      type: shown.entry.type,
      code: shown.code,
      message: shown.message,
      param: shown.param ?? null,
      request_id: requestId,
      upstream_request_id: shown.upstreamRequestId ?? null,
    },
    request_id: requestId,
  };
}

/**
 * The headers of an error's answer: its own (`x-ratelimit-*`), `retry-after` in whole seconds (rounded up, at least 1)
 * and `x-should-retry: false` where a retry cannot help. The SDKs of OpenAI and Anthropic obey both.
 */
export function errorHeaders(error: ThroughlineError): Record<string, string> {
  const shown = publicError(error);
  const headers: Record<string, string> = { ...shown.headers };
  const retryAfterMs = shown.retryAfterMs ?? (shown.httpStatus === 429 ? maxSdkWaitMs : undefined);
  if (retryAfterMs !== undefined) headers["retry-after"] = String(Math.max(1, Math.ceil(retryAfterMs / 1_000)));
  if (!shown.retryable || (retryAfterMs ?? 0) > maxSdkWaitMs) headers["x-should-retry"] = "false";
  return headers;
}

/**
 * The longest wait that an SDK may be sent on. openai 7.55 takes a `retry-after` above 60 s for noise and retries within
 * seconds; @anthropic-ai/sdk 1.11 really sleeps it, hours included. Above it both are told not to retry.
 */
const maxSdkWaitMs = 60_000;

/** The error as a client may see it: one that is not public becomes `internal_error`, its own words kept as the cause. */
export function publicError(error: ThroughlineError): ThroughlineError {
  if (error.entry.public) return error;
  return new ThroughlineError("internal_error", internalErrorMessage, { cause: error });
}
