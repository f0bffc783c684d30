import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { catalogue, isErrorCode } from "../../../shared/errors/catalogue.ts";
import { ThroughlineError } from "../../../shared/errors/error.ts";
import { fromWireError, toWireError } from "../../../shared/errors/wire.ts";
import { ErrorSchema } from "../../../shared/gen/throughline/common/v1/common_pb.ts";

/** Why a job or a line failed, as its row keeps it. */
export interface KeptError {
  readonly code: string;
  readonly message: string;
  /** The whole of it, a throughline.common.v1.Error. Absent: there is no more to say. */
  readonly whole?: Uint8Array;
}

/** The columns of a kept error. */
export interface ErrorColumns {
  /** null: it did not fail. */
  readonly error_code: string | null;
  readonly error_message: string | null;
  readonly error: Buffer | null;
}

/** An error with all that its client is to be told of it, however late. */
export function keptError(error: ThroughlineError): KeptError {
  const { code, message } = error;
  return { code, message, whole: toBinary(ErrorSchema, create(ErrorSchema, toWireError(error))) };
}

/**
 * The error that a row keeps; undefined: it did not fail. A code that the catalogue has no more, after an upgrade, is a failure all
 * the same.
 */
export function readKeptError(row: ErrorColumns): ThroughlineError | undefined {
  const { error_code: code, error_message: message, error: whole } = row;
  if (code === null) return undefined;
  if (!isErrorCode(code)) return new ThroughlineError("upstream_error", message ?? catalogue.upstream_error.meaning);
  if (whole !== null) return fromWireError(fromBinary(ErrorSchema, whole));
  return new ThroughlineError(code, message ?? catalogue[code].meaning);
}
