import type { SimulatedError } from "./exchange.ts";

const known: Readonly<Record<number, { code: string; message: string; retryAfterSeconds?: number }>> = {
  400: { code: "invalid_request", message: "The request is invalid." },
  401: { code: "invalid_api_key", message: "Incorrect API key provided." },
  402: { code: "billing_error", message: "The account has no balance." },
  403: { code: "permission_denied", message: "The key may not use this model." },
  404: { code: "model_not_found", message: "The model does not exist or you do not have access to it." },
  408: { code: "request_timeout", message: "The request timed out." },
  409: { code: "conflict", message: "The request conflicts with another." },
  413: { code: "request_too_large", message: "The request is too large." },
  422: { code: "unprocessable_entity", message: "The request cannot be processed." },
  429: { code: "rate_limit_exceeded", message: "Rate limit reached for requests.", retryAfterSeconds: 1 },
  500: { code: "server_error", message: "The server had an error while processing your request." },
  502: { code: "bad_gateway", message: "Bad gateway." },
  503: { code: "service_unavailable", message: "The engine is currently overloaded.", retryAfterSeconds: 2 },
  504: { code: "timeout", message: "The server took too long." },
  529: { code: "overloaded", message: "Overloaded.", retryAfterSeconds: 2 },
};

/** The error usual for a status; every message says that it is simulated. */
export function failureOf(status: number): SimulatedError {
  const entry = known[status] ?? (status < 500 ? known[400] : known[500]);
  return {
    status,
    code: entry?.code ?? "",
    message: `Simulated: ${entry?.message ?? ""}`,
    param: null,
    retryAfterSeconds: entry?.retryAfterSeconds ?? 0,
  };
}

/** A 400 with the vendor's complaint. */
export function invalid(message: string, param: string | null): SimulatedError {
  return { ...failureOf(400), message: `Simulated: ${message}`, param };
}

/** The errors that have a code of their own. */
export const namedFailures: Readonly<
  Record<"insufficient_quota" | "context_length" | "unknown_model", SimulatedError>
> = {
  insufficient_quota: {
    status: 429,
    code: "insufficient_quota",
    message: "Simulated: You exceeded your current quota, please check your plan and billing details.",
    param: null,
    retryAfterSeconds: 0,
  },
  context_length: {
    status: 400,
    code: "context_length_exceeded",
    message: "Simulated: This model's maximum context length is 8192 tokens. Please reduce the length of the messages.",
    param: "messages",
    retryAfterSeconds: 0,
  },
  unknown_model: {
    ...failureOf(404),
    message: "Simulated: there is no such sim- model; see the simulator's table.",
    param: "model",
  },
};
