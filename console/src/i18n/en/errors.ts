/** What each code of the catalogue means, and what to do about it. */
export const errors = {
  missing_required_field: [
    "A required parameter is missing.",
    "Add the parameter that is named, and send the request again.",
  ],
  invalid_value: [
    "A parameter has the wrong type, format or range, or the body is no valid JSON.",
    "Correct the parameter that is named, and send the request again.",
  ],
  model_not_supported: [
    "No channel of the key's group serves this model on this endpoint.",
    "Use a model that GET /v1/models lists for this key, or give its group a channel.",
  ],
  context_length_exceeded: [
    "Input and requested output together exceed the model's context window.",
    "Shorten the messages or lower max_tokens.",
  ],
  content_filtered: [
    "The upstream's rules on content do not allow what was to be made.",
    "Change the prompt or the media of the request.",
  ],
  invalid_api_key: ["The key is missing, malformed or unknown.", "Check the key and the header that bears it."],
  expired_api_key: ["The key is past its expiry date.", "Make a new key."],
  revoked_api_key: [
    "The key was revoked, or this secret was replaced by a rotation.",
    "Use the new secret, or make a new key.",
  ],
  insufficient_quota: [
    "The balance or a budget does not cover what this request may cost.",
    "Top up the account, lower max_tokens, or wait until the budget renews or running requests end.",
  ],
  permission_denied: ["The key is valid, but its kind or scopes do not allow this.", "Use a key that has the scope."],
  account_suspended: ["The account is suspended.", "Ask the platform's operators."],
  not_found: ["The path, method, model or resource does not exist.", "Check the URL, the method and the IDs."],
  idempotency_conflict: [
    "The first request with this Idempotency-Key is still running.",
    "Wait, then repeat the request with the same key.",
  ],
  request_too_large: ["The body exceeds what its path takes.", "Split the payload, or make its images smaller."],
  idempotency_mismatch: [
    "This Idempotency-Key was used before with a different request.",
    "Use a new key for a new request.",
  ],
  rate_limit_exceeded: [
    "A rate limit of the key or the account is reached. Nothing was charged.",
    "Wait as long as Retry-After says, then retry with jittered backoff.",
  ],
  concurrent_limit_exceeded: [
    "Too many requests of the key or the account ran at once. Nothing was charged.",
    "Let running requests end, or lower the concurrency.",
  ],
  client_closed_request: [
    "The client left before the answer was complete.",
    "None is needed. The account's disconnect policy decided the charge.",
  ],
  cancelled: [
    "The job was cancelled before its end. Nothing was charged.",
    "None is needed: somebody with a key of the account asked for it.",
  ],
  internal_error: ["A fault of the platform.", "Retry with backoff; report the request ID if it persists."],
  interrupted: [
    "The gateway ended while the request ran, so nobody knows what the client got.",
    "Send the request again.",
  ],
  not_implemented: ["The request uses a part of HTTP that is not served.", "Send the request without it."],
  upstream_error: [
    "Every candidate upstream failed or refused the platform's credential.",
    "Look at the attempts below. Retry with backoff; check the channel's credential if it was refused.",
  ],
  upstream_outcome_unknown: [
    "The upstream was asked to begin a job and its answer was lost, so nobody knows whether the job runs. Nothing was charged.",
    "Send the request again if a second job does no harm.",
  ],
  service_unavailable: [
    "A part of the platform is down, starting or overloaded.",
    "Retry after Retry-After, or use another model.",
  ],
  upstream_timeout: [
    "The upstream did not answer in time.",
    "Retry with backoff; consider a smaller max_tokens or longer timeouts of the channel.",
  ],
  expired: [
    "The job did not end within its time, or the upstream has forgotten it. Nothing was charged.",
    "Begin the job again.",
  ],
  upstream_overloaded: [
    "Every candidate upstream is at its capacity.",
    "Retry after Retry-After, usually a few seconds. Add channels if it happens often.",
  ],
} as const;
