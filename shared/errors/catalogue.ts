/** Every error code the platform gives to a client or keeps on a record, in the order of their HTTP status. */
export const errorCodes = [
  "missing_required_field",
  "invalid_value",
  "model_not_supported",
  "context_length_exceeded",
  "content_filtered",
  "invalid_api_key",
  "expired_api_key",
  "revoked_api_key",
  "insufficient_quota",
  "permission_denied",
  "account_suspended",
  "not_found",
  "idempotency_conflict",
  "request_too_large",
  "idempotency_mismatch",
  "rate_limit_exceeded",
  "concurrent_limit_exceeded",
  "client_closed_request",
  "cancelled",
  "internal_error",
  "interrupted",
  "not_implemented",
  "upstream_error",
  "upstream_outcome_unknown",
  "service_unavailable",
  "upstream_timeout",
  "expired",
  "upstream_overloaded",
] as const;

/** A code of the catalogue. */
export type ErrorCode = (typeof errorCodes)[number];

/** Every `error.type` of the envelope: what SDKs and clients switch on. */
export const errorTypes = [
  "invalid_request_error",
  "authentication_error",
  "insufficient_quota",
  "permission_error",
  "not_found_error",
  "request_too_large",
  "rate_limit_error",
  "api_error",
  "overloaded_error",
] as const;

/** A type of the envelope. */
export type ErrorType = (typeof errorTypes)[number];

/** What the platform knows of one error code. The README's table of errors is checked against these. */
export interface CatalogueEntry {
  /** HTTP status of the answer. `insufficient_quota` alone may be raised with another (429). */
  readonly httpStatus: number;
  /** `error.type` of the envelope. */
  readonly type: ErrorType;
  /** True: the same request may succeed later. False: the answer carries `x-should-retry: false`. */
  readonly retryable: boolean;
  /** What happened, for a person. */
  readonly meaning: string;
  /** What to do about it, for a person. */
  readonly action: string;
  /** False: never sent to a client, only kept on records and in logs. */
  readonly public: boolean;
  /** `Retry-After` in milliseconds where the error itself says none. Absent: no header. */
  readonly retryAfterMs?: number;
}

/** The catalogue: total over the codes, so a new code does not compile until it is described here. */
export const catalogue: Readonly<Record<ErrorCode, CatalogueEntry>> = {
  missing_required_field: {
    httpStatus: 400,
    type: "invalid_request_error",
    retryable: false,
    meaning: "A required parameter is missing; `param` names it.",
    action: "Add the parameter and send the request again.",
    public: true,
  },
  invalid_value: {
    httpStatus: 400,
    type: "invalid_request_error",
    retryable: false,
    meaning: "A parameter has the wrong type, format or range, or the body is not valid JSON; `param` is its path.",
    action: "Correct the parameter and send the request again.",
    public: true,
  },
  model_not_supported: {
    httpStatus: 400,
    type: "invalid_request_error",
    retryable: false,
    meaning: "No channel of your group serves this model on this endpoint.",
    action: "Use a model that GET /v1/models lists.",
    public: true,
  },
  context_length_exceeded: {
    httpStatus: 400,
    type: "invalid_request_error",
    retryable: false,
    meaning: "The input and the requested output together exceed the model's context window.",
    action: "Shorten messages or lower max_tokens.",
    public: true,
  },
  content_filtered: {
    httpStatus: 400,
    type: "invalid_request_error",
    retryable: false,
    meaning: "The upstream's rules on content do not allow what the job was to make.",
    action: "Change the prompt or the media of the request.",
    public: true,
  },
  invalid_api_key: {
    httpStatus: 401,
    type: "authentication_error",
    retryable: false,
    meaning: "The API key is missing, malformed or unknown.",
    action: "Check the key and the Authorization or x-api-key header.",
    public: true,
  },
  expired_api_key: {
    httpStatus: 401,
    type: "authentication_error",
    retryable: false,
    meaning: "The API key is past its expiry date.",
    action: "Create a new key.",
    public: true,
  },
  revoked_api_key: {
    httpStatus: 401,
    type: "authentication_error",
    retryable: false,
    meaning: "The API key was revoked, or this secret of it was replaced by a rotation.",
    action: "Use the new secret, or create a new key.",
    public: true,
  },
  insufficient_quota: {
    httpStatus: 402,
    type: "insufficient_quota",
    retryable: false,
    meaning:
      "The balance does not cover the reservation of this request (402); a periodic budget is spent and will renew, or balance or budget are held by requests that still run (429).",
    action:
      "Top up the account, lower max_tokens, or wait for the budget's renewal; where running requests hold it, retry after Retry-After.",
    public: true,
  },
  permission_denied: {
    httpStatus: 403,
    type: "permission_error",
    retryable: false,
    meaning: "The key is valid, but its kind or scopes do not allow this.",
    action: "Use a key that has the scope.",
    public: true,
  },
  account_suspended: {
    httpStatus: 403,
    type: "permission_error",
    retryable: false,
    meaning: "The account is suspended.",
    action: "Contact the platform's operators.",
    public: true,
  },
  not_found: {
    httpStatus: 404,
    type: "not_found_error",
    retryable: false,
    meaning: "The path, method, model or resource does not exist.",
    action: "Check the URL, the method and the IDs.",
    public: true,
  },
  idempotency_conflict: {
    httpStatus: 409,
    type: "invalid_request_error",
    retryable: true,
    meaning: "The first request with this Idempotency-Key is still running.",
    action: "Wait, then repeat the request with the same key.",
    public: true,
    retryAfterMs: 1_000,
  },
  request_too_large: {
    httpStatus: 413,
    type: "request_too_large",
    retryable: false,
    meaning: "The request body exceeds what its path takes: 16 MB where it is a prompt, less elsewhere.",
    action: "Split the payload or downsample its images.",
    public: true,
  },
  idempotency_mismatch: {
    httpStatus: 422,
    type: "invalid_request_error",
    retryable: false,
    meaning: "This Idempotency-Key was used before with a different request.",
    action: "Use a new key for a new request.",
    public: true,
  },
  rate_limit_exceeded: {
    httpStatus: 429,
    type: "rate_limit_error",
    retryable: true,
    meaning: "A rate limit of the key or the account is reached. Nothing is charged.",
    action: "Wait as long as Retry-After says, then retry with jittered backoff.",
    public: true,
    retryAfterMs: 1_000,
  },
  concurrent_limit_exceeded: {
    httpStatus: 429,
    type: "rate_limit_error",
    retryable: true,
    meaning: "Too many requests of the key or the account run at once. Nothing is charged.",
    action: "Let running requests end, or lower the concurrency.",
    public: true,
    retryAfterMs: 1_000,
  },
  client_closed_request: {
    httpStatus: 499,
    type: "api_error",
    retryable: false,
    meaning: "The client left before the answer was complete.",
    action: "None: seen on records only. The account's disconnect policy decides the charge.",
    public: false,
  },
  cancelled: {
    httpStatus: 499,
    type: "api_error",
    retryable: false,
    meaning: "The job was cancelled before its end. Nothing is charged.",
    action: "None: somebody with a key of the account asked for it.",
    public: true,
  },
  internal_error: {
    httpStatus: 500,
    type: "api_error",
    retryable: true,
    meaning: "A fault of ours.",
    action: "Retry with backoff; report the request ID if it persists.",
    public: true,
  },
  interrupted: {
    httpStatus: 500,
    type: "api_error",
    retryable: true,
    meaning: "The gateway ended while the request ran, so nobody knows what the client got.",
    action: "Send the request again. Seen on records only.",
    public: false,
  },
  not_implemented: {
    httpStatus: 501,
    type: "api_error",
    retryable: false,
    meaning: "The request uses a part of HTTP that is not served, such as a compressed transfer coding.",
    action: "Send the request without it.",
    public: true,
  },
  upstream_error: {
    httpStatus: 502,
    type: "api_error",
    retryable: true,
    meaning: "Every candidate upstream failed or refused our credential.",
    action: "Retry with backoff; report the request ID if it persists.",
    public: true,
  },
  upstream_outcome_unknown: {
    httpStatus: 502,
    type: "api_error",
    retryable: false,
    meaning:
      "The upstream was asked to begin a job and its answer was lost, so nobody knows whether the job runs. Nothing is charged.",
    action: "Send the request again if a second job does no harm.",
    public: true,
  },
  service_unavailable: {
    httpStatus: 503,
    type: "api_error",
    retryable: true,
    meaning: "A part of the platform is down, starting or overloaded.",
    action: "Retry after Retry-After, or use another model.",
    public: true,
    retryAfterMs: 1_000,
  },
  upstream_timeout: {
    httpStatus: 504,
    type: "api_error",
    retryable: true,
    meaning: "The upstream did not answer in time.",
    action: "Retry with backoff; consider a smaller max_tokens.",
    public: true,
  },
  expired: {
    httpStatus: 504,
    type: "api_error",
    retryable: true,
    meaning: "The job did not end within its time, or the upstream has forgotten it. Nothing is charged.",
    action: "Begin the job again.",
    public: true,
  },
  upstream_overloaded: {
    httpStatus: 529,
    type: "overloaded_error",
    retryable: true,
    meaning: "Every candidate upstream is at its capacity.",
    action: "Retry after Retry-After, usually a few seconds.",
    public: true,
    retryAfterMs: 5_000,
  },
};

/** Whether a failure is the platform's or an upstream's, and not its client's. Undefined: it is none. */
export function isFault(code: string | undefined): boolean {
  return code !== undefined && isErrorCode(code) && catalogue[code].httpStatus >= 500;
}

/** Whether `text` is a code of the catalogue. */
export function isErrorCode(text: string): text is ErrorCode {
  return Object.hasOwn(catalogue, text);
}
