import type { ErrorCode } from "./catalogue.ts";

/** Names of gRPC's statuses that our codes come to. */
export type GrpcStatusName =
  | "INVALID_ARGUMENT"
  | "UNAUTHENTICATED"
  | "RESOURCE_EXHAUSTED"
  | "PERMISSION_DENIED"
  | "NOT_FOUND"
  | "ABORTED"
  | "FAILED_PRECONDITION"
  | "CANCELLED"
  | "INTERNAL"
  | "UNIMPLEMENTED"
  | "UNAVAILABLE"
  | "DEADLINE_EXCEEDED";

/** gRPC status of a call that failed with a code: for spans, and for tools that speak gRPC only; our clients read the error. */
export const grpcStatusOf: Readonly<Record<ErrorCode, GrpcStatusName>> = {
  missing_required_field: "INVALID_ARGUMENT",
  invalid_value: "INVALID_ARGUMENT",
  model_not_supported: "INVALID_ARGUMENT",
  context_length_exceeded: "INVALID_ARGUMENT",
  content_filtered: "INVALID_ARGUMENT",
  invalid_api_key: "UNAUTHENTICATED",
  expired_api_key: "UNAUTHENTICATED",
  revoked_api_key: "UNAUTHENTICATED",
  insufficient_quota: "RESOURCE_EXHAUSTED",
  permission_denied: "PERMISSION_DENIED",
  account_suspended: "PERMISSION_DENIED",
  not_found: "NOT_FOUND",
  idempotency_conflict: "ABORTED",
  request_too_large: "RESOURCE_EXHAUSTED",
  idempotency_mismatch: "FAILED_PRECONDITION",
  rate_limit_exceeded: "RESOURCE_EXHAUSTED",
  concurrent_limit_exceeded: "RESOURCE_EXHAUSTED",
  client_closed_request: "CANCELLED",
  cancelled: "ABORTED",
  internal_error: "INTERNAL",
  interrupted: "ABORTED",
  not_implemented: "UNIMPLEMENTED",
  upstream_error: "INTERNAL",
  upstream_outcome_unknown: "INTERNAL",
  service_unavailable: "UNAVAILABLE",
  upstream_timeout: "DEADLINE_EXCEEDED",
  expired: "DEADLINE_EXCEEDED",
  upstream_overloaded: "UNAVAILABLE",
};
