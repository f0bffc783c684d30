import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { Metadata, type ServiceError, status } from "@grpc/grpc-js";
import type { ErrorCode } from "../errors/catalogue.ts";
import { ThroughlineError } from "../errors/error.ts";
import { fromWireError, toWireError } from "../errors/wire.ts";
import { ErrorSchema } from "../gen/throughline/common/v1/common_pb.ts";
import { deadlineError, unavailableError } from "./faults.ts";

/** gRPC status of a unary call that failed with a code: for tools that speak gRPC only; our clients read the trailer. */
const statusOf: Readonly<Record<ErrorCode, status>> = {
  missing_required_field: status.INVALID_ARGUMENT,
  invalid_value: status.INVALID_ARGUMENT,
  model_not_supported: status.INVALID_ARGUMENT,
  context_length_exceeded: status.INVALID_ARGUMENT,
  content_filtered: status.INVALID_ARGUMENT,
  invalid_api_key: status.UNAUTHENTICATED,
  expired_api_key: status.UNAUTHENTICATED,
  revoked_api_key: status.UNAUTHENTICATED,
  insufficient_quota: status.RESOURCE_EXHAUSTED,
  permission_denied: status.PERMISSION_DENIED,
  account_suspended: status.PERMISSION_DENIED,
  not_found: status.NOT_FOUND,
  idempotency_conflict: status.ABORTED,
  request_too_large: status.RESOURCE_EXHAUSTED,
  idempotency_mismatch: status.FAILED_PRECONDITION,
  rate_limit_exceeded: status.RESOURCE_EXHAUSTED,
  concurrent_limit_exceeded: status.RESOURCE_EXHAUSTED,
  client_closed_request: status.CANCELLED,
  cancelled: status.ABORTED,
  internal_error: status.INTERNAL,
  interrupted: status.ABORTED,
  not_implemented: status.UNIMPLEMENTED,
  upstream_error: status.INTERNAL,
  upstream_outcome_unknown: status.INTERNAL,
  service_unavailable: status.UNAVAILABLE,
  upstream_timeout: status.DEADLINE_EXCEEDED,
  expired: status.DEADLINE_EXCEEDED,
  upstream_overloaded: status.UNAVAILABLE,
};

/** Trailer that carries the whole error (throughline.common.v1.Error). */
const errorTrailer = "throughline-error-bin";

/** Statuses of a peer that does not serve us. */
const awayCodes: ReadonlySet<status> = new Set([status.UNAVAILABLE, status.CANCELLED, status.UNAUTHENTICATED]);

/** Headers may not bear control characters or what is not ASCII. */
const unsafeInHeader = /[^\x20-\x7e]/g;

/** A unary call's failure, as grpc-js sends it. */
export function toStatus(error: ThroughlineError): { code: status; details: string; metadata: Metadata } {
  const metadata = new Metadata();
  const bytes = toBinary(ErrorSchema, create(ErrorSchema, toWireError(error)));
  metadata.set(errorTrailer, Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
  return { code: statusOf[error.code], details: error.message.replace(unsafeInHeader, "?"), metadata };
}

/** The failure of a unary call, as grpc-js reports it. */
export function fromStatus(failure: ServiceError): ThroughlineError {
  const trailer = failure.metadata?.get(errorTrailer)[0];
  if (trailer instanceof Buffer) {
    try {
      return fromWireError(fromBinary(ErrorSchema, trailer));
    } catch (error) {
      return ThroughlineError.from(error);
    }
  }
  if (failure.code === status.DEADLINE_EXCEEDED) return deadlineError();
  // The caller's own cancel never comes here: CANCELLED is a connection that the peer has cut.
  // UNAUTHENTICATED without a trailer is a peer that knows another GRPC_SECRET.
  if (awayCodes.has(failure.code)) return unavailableError(failure);
  return ThroughlineError.from(failure);
}
