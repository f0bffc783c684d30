import { TRPCError } from "@trpc/server";
import { ZodError } from "zod";
import { publicError } from "../../shared/errors/envelope.ts";
import { ThroughlineError } from "../../shared/errors/error.ts";

/** What `error.data` says: the envelope's facts, with tRPC's own names for status and path. */
export interface ErrorData {
  /** Code of the catalogue. */
  readonly code: string;
  /** Type of the envelope. */
  readonly type: string;
  readonly httpStatus: number;
  /** Path of the offending input. */
  readonly param: string | null;
  readonly request_id: string;
  readonly upstream_request_id: string | null;
  /** Procedure. */
  readonly path: string | null;
}

/** The facts of an error. */
export function errorData(error: ThroughlineError, requestId: string, path: string | undefined): ErrorData {
  const shown = publicError(error);
  return {
    code: shown.code,
    type: shown.entry.type,
    httpStatus: shown.httpStatus,
    param: shown.param ?? null,
    request_id: requestId,
    upstream_request_id: shown.upstreamRequestId ?? null,
    path: path ?? null,
  };
}

/** The catalogue error of what tRPC caught. */
export function platformError(error: TRPCError): ThroughlineError {
  const { cause } = error;
  if (cause instanceof ThroughlineError) return publicError(cause);
  if (cause instanceof ZodError) return inputError(cause);
  switch (error.code) {
    case "NOT_FOUND":
      return new ThroughlineError("not_found", "There is no such procedure.", { cause: error });
    case "METHOD_NOT_SUPPORTED":
      return new ThroughlineError("not_found", "Queries are GET, mutations POST.", { cause: error });
    case "PARSE_ERROR":
    case "BAD_REQUEST":
    case "UNSUPPORTED_MEDIA_TYPE":
      return new ThroughlineError("invalid_value", "The input is malformed.", { cause: error });
    case "PAYLOAD_TOO_LARGE":
      return new ThroughlineError("request_too_large", "The request is too large.", { cause: error });
    default:
      return ThroughlineError.from(cause instanceof Error && !(cause instanceof TRPCError) ? cause : error);
  }
}

/** The first thing that zod found, with its path. */
function inputError(error: ZodError): ThroughlineError {
  const [issue] = error.issues;
  let path = "";
  for (const part of issue?.path ?? []) {
    path += typeof part === "number" ? `[${part}]` : `${path === "" ? "" : "."}${String(part)}`;
  }
  const param = path === "" ? undefined : path;
  if (issue?.code === "invalid_type" && issue.input === undefined && issue.message.endsWith("received undefined")) {
    return new ThroughlineError("missing_required_field", `${path || "The input"} is required.`, {
      param,
      cause: error,
    });
  }
  return new ThroughlineError("invalid_value", `${path || "The input"}: ${issue?.message ?? "is not valid"}.`, {
    param,
    cause: error,
  });
}
