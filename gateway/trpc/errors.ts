import { type TRPC_ERROR_CODE_NUMBER, TRPCError } from "@trpc/server";
import { TRPC_ERROR_CODES_BY_KEY } from "@trpc/server/rpc";
import { ZodError } from "zod";
import type { ErrorCode, ErrorType } from "../../shared/errors/catalogue.ts";
import { publicError } from "../../shared/errors/envelope.ts";
import { ThroughlineError } from "../../shared/errors/error.ts";

/** What `error.data` says: the envelope's facts, with tRPC's own names for status and path. */
export interface ErrorData {
  /** Code of the catalogue. */
  readonly code: ErrorCode;
  /** Type of the envelope. */
  readonly type: ErrorType;
  readonly httpStatus: number;
  /** Path of the offending input. */
  readonly param: string | null;
  readonly request_id: string;
  readonly upstream_request_id: string | null;
  /** True: the same call may succeed later. */
  readonly retryable: boolean;
  /** Milliseconds after which it may; null: not known. */
  readonly retry_after_ms: number | null;
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
    retryable: shown.retryable,
    retry_after_ms: shown.retryAfterMs ?? null,
    path: path ?? null,
  };
}

/** JSON-RPC's codes of refusals; tRPC's clients connect a subscription again after a failure of the server alone. */
const refusalCodes: Readonly<Record<number, TRPC_ERROR_CODE_NUMBER>> = {
  400: TRPC_ERROR_CODES_BY_KEY.BAD_REQUEST,
  401: TRPC_ERROR_CODES_BY_KEY.UNAUTHORIZED,
  402: TRPC_ERROR_CODES_BY_KEY.PAYMENT_REQUIRED,
  403: TRPC_ERROR_CODES_BY_KEY.FORBIDDEN,
  404: TRPC_ERROR_CODES_BY_KEY.NOT_FOUND,
  409: TRPC_ERROR_CODES_BY_KEY.CONFLICT,
  413: TRPC_ERROR_CODES_BY_KEY.PAYLOAD_TOO_LARGE,
  422: TRPC_ERROR_CODES_BY_KEY.UNPROCESSABLE_CONTENT,
  429: TRPC_ERROR_CODES_BY_KEY.TOO_MANY_REQUESTS,
  499: TRPC_ERROR_CODES_BY_KEY.CLIENT_CLOSED_REQUEST,
};

/**
 * JSON-RPC's code of an error. What happened is in `data.code`: this one decides only whether a client opens a subscription again,
 * which of what costs money would be paid twice.
 */
export function rpcCode({ httpStatus }: ThroughlineError, isPaid: boolean): TRPC_ERROR_CODE_NUMBER {
  const refusal = refusalCodes[httpStatus];
  if (refusal !== undefined) return refusal;
  return isPaid ? TRPC_ERROR_CODES_BY_KEY.UNPROCESSABLE_CONTENT : TRPC_ERROR_CODES_BY_KEY.INTERNAL_SERVER_ERROR;
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
