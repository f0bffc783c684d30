import type { ErrorCode } from "../../../shared/errors/catalogue.ts";
import { type ErrorOptions, ThroughlineError } from "../../../shared/errors/error.ts";
import type { UpstreamFailure } from "../domain/upstream-failure.ts";

/** What a vendor's error can mean to the platform. Each vendor has a table of its own that leads here. */
export const failureMeanings = [
  /** Our key is refused. */
  "credential",
  /** Our account has no credit or is locked. */
  "no_credit",
  /** The upstream is at its capacity, or our rate there is. */
  "overloaded",
  "timeout",
  /** The upstream does not serve this model: a mistake of the channel. */
  "unknown_model",
  /** The upstream does not have what the request refers to: a file, an item of an earlier answer, a container. */
  "unknown_reference",
  /** The input is longer than the model takes. */
  "too_long",
  /** The body is larger than the upstream takes. */
  "too_large",
  /** The input is refused for its content. */
  "filtered",
  /** The request is not valid. */
  "refused",
  /** Anything else. */
  "failed",
] as const;

/** What a vendor's error can mean to the platform. */
export type FailureMeaning = (typeof failureMeanings)[number];

/** What a vendor said beside the meaning. */
export interface Said {
  readonly param?: string | undefined;
}

interface Treatment {
  readonly code: ErrorCode;
  /** Message where the vendor's own is not passed on, or is empty. */
  readonly message: string;
  /** The vendor's message, cleaned, is for the client. */
  readonly passOn: boolean;
  /** Another candidate may do better. */
  readonly failover: boolean;
  /** Counts against the channel's health. */
  readonly unhealthy: boolean;
  /** Milliseconds for which the channel should rest where the upstream names none. */
  readonly cooldownMs: number;
}

const minuteMs = 60_000;

/** One treatment for every meaning, whatever the vendor. */
const treatments: Readonly<Record<FailureMeaning, Treatment>> = {
  credential: {
    code: "upstream_error",
    message: "The upstream refused the platform's credential.",
    passOn: false,
    failover: true,
    unhealthy: true,
    cooldownMs: minuteMs,
  },
  no_credit: {
    code: "upstream_error",
    message: "The platform's account at the upstream has no credit left.",
    passOn: false,
    failover: true,
    unhealthy: true,
    cooldownMs: minuteMs,
  },
  overloaded: {
    code: "upstream_overloaded",
    message: "The upstream is at its capacity; try again shortly.",
    passOn: false,
    failover: true,
    unhealthy: true,
    cooldownMs: 1_000,
  },
  timeout: {
    code: "upstream_timeout",
    message: "The upstream did not answer in time.",
    passOn: false,
    failover: true,
    unhealthy: true,
    cooldownMs: 0,
  },
  unknown_model: {
    code: "upstream_error",
    message: "The upstream does not know this model or path.",
    passOn: false,
    failover: true,
    // A client can provoke it (channels may serve `name-*`): no breaker opens by a name that somebody wrote.
    unhealthy: false,
    cooldownMs: 0,
  },
  unknown_reference: {
    code: "not_found",
    message: "The upstream does not have what the request refers to.",
    passOn: true,
    // Another candidate's account may have what this one has not.
    failover: true,
    unhealthy: false,
    cooldownMs: 0,
  },
  too_long: {
    code: "context_length_exceeded",
    message: "The input is too long.",
    passOn: true,
    failover: false,
    unhealthy: false,
    cooldownMs: 0,
  },
  too_large: {
    code: "request_too_large",
    message: "The upstream finds the request too large.",
    passOn: true,
    failover: false,
    unhealthy: false,
    cooldownMs: 0,
  },
  filtered: {
    code: "invalid_value",
    message: "The upstream refused the request for its content.",
    passOn: true,
    failover: false,
    unhealthy: false,
    cooldownMs: 0,
  },
  refused: {
    code: "invalid_value",
    message: "The upstream refused the request.",
    passOn: true,
    failover: false,
    unhealthy: false,
    cooldownMs: 0,
  },
  failed: {
    code: "upstream_error",
    message: "The upstream failed.",
    passOn: false,
    failover: true,
    unhealthy: true,
    cooldownMs: 0,
  },
};

/** What is known of one failure. `said` is the vendor's message, cleaned. */
export interface FailureDetail {
  readonly said?: string;
  readonly param?: string | undefined;
  readonly upstreamRequestId?: string | undefined;
  /** 0: the upstream named no time. */
  readonly retryAfterMs?: number;
}

/** The failure of a meaning. */
export function failureOf(meaning: FailureMeaning, detail: FailureDetail): UpstreamFailure {
  const { code, message, passOn, failover, unhealthy, cooldownMs } = treatments[meaning];
  const options: ErrorOptions = {
    upstreamRequestId: detail.upstreamRequestId || undefined,
    ...(passOn ? { param: detail.param } : {}),
    ...(meaning === "overloaded" && detail.retryAfterMs ? { retryAfterMs: detail.retryAfterMs } : {}),
  };
  return {
    error: new ThroughlineError(code, (passOn && detail.said) || message, options),
    failover,
    unhealthy,
    cooldownMs: (meaning === "overloaded" && detail.retryAfterMs) || cooldownMs,
  };
}

/** Meanings that say nothing where an answer had begun: what the vendor said of it is told as a failure. */
const unclearInBand: ReadonlySet<FailureMeaning> = new Set(["refused", "failed", "unknown_reference"]);

/**
 * The failure of an error object inside an answer with status 200, or of a stream. An input that is too long or that is refused for
 * its content is so at every candidate, whenever the vendor notices (OpenAI's responses say it in `response.failed`); of
 * another mistake that it lays to the client nobody knows whether it is one, since it had taken the request.
 */
export function inBandError(meaning: FailureMeaning, detail: FailureDetail): ThroughlineError {
  if (!unclearInBand.has(meaning)) return failureOf(meaning, detail).error;
  const { said = "" } = detail;
  return new ThroughlineError("upstream_error", said === "" ? "The upstream failed." : `The upstream failed: ${said}`);
}
