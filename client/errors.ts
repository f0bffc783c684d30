import { TRPCClientError } from "@trpc/client";
import type { AppRouter, ErrorData } from "./contract/router.ts";

/** A refusal or a failure that the gateway told: `code` says which, `requestId` leads to its record. */
export class ThroughlineError extends TRPCClientError<AppRouter> {
  /** Code of the catalogue: switch on it. */
  readonly code: ErrorData["code"];
  /** The wider kind of the error. */
  readonly type: ErrorData["type"];
  /** HTTP status of the error. */
  readonly httpStatus: number;
  /** Path of the offending input, e.g. "messages[0].content"; null: none offends. */
  readonly param: string | null;
  /** The platform's request ID. */
  readonly requestId: string;
  /** The request ID of the upstream that failed; null: none was asked, or it gave none. */
  readonly upstreamRequestId: string | null;
  /** True: the same call may succeed later. */
  readonly retryable: boolean;
  /** Milliseconds after which it may; null: not known. */
  readonly retryAfterMs: number | null;

  constructor(error: TRPCClientError<AppRouter>, data: ErrorData) {
    super(error.message, { result: error.shape === undefined || error.shape === null ? null : { error: error.shape } });
    // The constructor of tRPC's error makes one of its own class.
    Object.setPrototypeOf(this, ThroughlineError.prototype);
    this.name = "ThroughlineError";
    this.meta = error.meta;
    this.code = data.code;
    this.type = data.type;
    this.httpStatus = data.httpStatus;
    this.param = data.param;
    this.requestId = data.request_id;
    this.upstreamRequestId = data.upstream_request_id;
    this.retryable = data.retryable;
    this.retryAfterMs = data.retry_after_ms;
  }
}

/**
 * Whether the gateway told this error. False for what never reached it: there `error.cause` says why, and there is no request ID.
 */
export function isThroughlineError(error: unknown): error is ThroughlineError {
  return (
    error instanceof Error && error.name === "ThroughlineError" && typeof Reflect.get(error, "requestId") === "string"
  );
}

/** The platform's error in what tRPC threw; without one, what it threw. */
export function toThroughlineError(error: TRPCClientError<AppRouter>): TRPCClientError<AppRouter> {
  const { data } = error;
  return isErrorData(data) ? new ThroughlineError(error, data) : error;
}

function isErrorData(data: unknown): data is ErrorData {
  return typeof data === "object" && data !== null && "request_id" in data && "code" in data;
}
