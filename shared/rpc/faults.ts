import { ThroughlineError } from "../errors/error.ts";

/** The deadline passed (gRPC's DEADLINE_EXCEEDED, hence 504). */
export function deadlineError(): ThroughlineError {
  return new ThroughlineError("upstream_timeout", "A part of the platform did not answer in time.");
}

/** The caller cancelled. */
export function cancelledError(): ThroughlineError {
  return new ThroughlineError("client_closed_request", "The call was cancelled.");
}

/** The peer is not there, or went away before it answered. */
export function unavailableError(cause?: unknown): ThroughlineError {
  return new ThroughlineError("service_unavailable", "A part of the platform could not be reached.", { cause });
}

/** Why a call was never sent. */
class Unsent extends Error {}

/** The peer is not there, and has nothing of the call. */
export function unsentError(cause?: unknown): ThroughlineError {
  return unavailableError(new Unsent("The call was not sent.", { cause }));
}

/** Whether it is certain that the peer has nothing of a call that failed so. */
export function wasUnsent(error: unknown): boolean {
  return error instanceof ThroughlineError && error.cause instanceof Unsent;
}

/** An item or a request is above the message limit. */
export function tooLargeError(bytes: number, maxBytes: number): ThroughlineError {
  return new ThroughlineError("request_too_large", `The request of ${bytes} bytes exceeds the limit of ${maxBytes}.`);
}

/** An answer is above the message limit: a fault of ours, not of the request. */
export function answerTooLargeError(bytes: number, maxBytes: number): ThroughlineError {
  return ThroughlineError.from(new Error(`an answer of ${bytes} bytes exceeds the limit of ${maxBytes}`));
}
