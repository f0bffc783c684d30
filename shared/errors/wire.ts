import type { MessageInitShape } from "@bufbuild/protobuf";
import type { ErrorSchema, Error as WireError } from "../gen/throughline/common/v1/common_pb.ts";
import { catalogue, isErrorCode } from "./catalogue.ts";
import { ThroughlineError } from "./error.ts";

/** The error as `throughline.common.v1.Error`. Its cause and stack stay in this process. */
export function toWireError(error: ThroughlineError): MessageInitShape<typeof ErrorSchema> {
  return {
    code: error.code,
    message: error.message,
    param: error.param ?? "",
    retryAfterMs: BigInt(Math.max(0, Math.ceil(error.retryAfterMs ?? 0))),
    upstreamRequestId: error.upstreamRequestId ?? "",
    headers: { ...error.headers },
    httpStatus: error.httpStatus === catalogue[error.code].httpStatus ? 0 : error.httpStatus,
  };
}

/**
 * The error that a peer sent. A code this process does not know (a newer peer's) becomes `internal_error` with the fixed
 * message: its text was written for a code whose meaning is unknown here.
 */
export function fromWireError(message: WireError): ThroughlineError {
  if (!isErrorCode(message.code)) {
    return ThroughlineError.from(new Error(`unknown error code "${message.code}" from a peer: ${message.message}`));
  }
  return new ThroughlineError(message.code, message.message, {
    param: message.param || undefined,
    retryAfterMs: message.retryAfterMs > 0n ? Number(message.retryAfterMs) : undefined,
    upstreamRequestId: message.upstreamRequestId || undefined,
    headers: Object.keys(message.headers).length > 0 ? message.headers : undefined,
    httpStatus: message.httpStatus || undefined,
  });
}
