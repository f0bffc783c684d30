import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { Metadata, type ServiceError, status } from "@grpc/grpc-js";
import { ThroughlineError } from "../errors/error.ts";
import { grpcStatusOf } from "../errors/grpc-status.ts";
import { fromWireError, toWireError } from "../errors/wire.ts";
import { ErrorSchema } from "../gen/throughline/common/v1/common_pb.ts";
import { deadlineError, unavailableError } from "./faults.ts";

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
  return { code: status[grpcStatusOf[error.code]], details: error.message.replace(unsafeInHeader, "?"), metadata };
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
