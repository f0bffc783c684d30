import type { ThroughlineError } from "../../../../shared/errors/error.ts";
import { beginningOf, cleanMessage } from "../../domain/clean-message.ts";
import type { UpstreamFailure } from "../../domain/upstream-failure.ts";
import { asArray, asObject, asString, type JsonObject, parseJson } from "../../wire/json.ts";
import { type FailureMeaning, failureOf, inBandError } from "../failures.ts";
import { retryAfterMs } from "../retry-after.ts";
import { meaningOfStatus } from "../status-meanings.ts";
import { isUnknownReference } from "../unknown-reference.ts";

/** What the vendor's names of errors mean (google.rpc.Code; ai.google.dev/gemini-api/docs/troubleshooting). */
const meanings: Readonly<Record<string, FailureMeaning>> = {
  INVALID_ARGUMENT: "refused",
  OUT_OF_RANGE: "refused",
  // The account's region or plan is not served: ours, not the client's.
  FAILED_PRECONDITION: "credential",
  UNAUTHENTICATED: "credential",
  PERMISSION_DENIED: "credential",
  NOT_FOUND: "unknown_model",
  UNIMPLEMENTED: "unknown_model",
  RESOURCE_EXHAUSTED: "overloaded",
  ABORTED: "overloaded",
  CANCELLED: "failed",
  UNAVAILABLE: "overloaded",
  DEADLINE_EXCEEDED: "timeout",
  INTERNAL: "failed",
  UNKNOWN: "failed",
  DATA_LOSS: "failed",
};

/** Messages that say more than the name of their error; the first that matches counts. */
const byMessage: readonly (readonly [RegExp, FailureMeaning])[] = [
  // A key that is not valid is answered as a request that is not valid.
  [/api[ _]key (not valid|not found|expired|invalid)|API_KEY_INVALID|please renew the api key/i, "credential"],
  [/credits? (are|is) depleted|enable billing|billing (account|is) /i, "no_credit"],
  [/location is not supported/i, "credential"],
  [/token count .*exceeds|exceeds the maximum number of (input )?tokens|context (length|window)/i, "too_long"],
  [/payload size exceeds|request (size|entity) (is )?too large/i, "too_large"],
  [/is not (found|supported) for (api version|generateContent)/i, "unknown_model"],
];

/** The vendor's HTTP failure in the catalogue's words. */
export function geminiFailure(
  status: number,
  headers: Readonly<Record<string, string | string[] | undefined>>,
  body: string,
  upstreamRequestId: string,
): UpstreamFailure {
  const error = errorOf(parseJson(body)) ?? {};
  return failureOf(meaningOf(error, status), {
    said: cleanMessage(asString(error.message) ?? ""),
    upstreamRequestId: upstreamRequestId || requestIdOf(error),
    retryAfterMs: retryAfterMs(headers) || retryDelayMs(error),
  });
}

/** The failure of an error object inside a 200 or of a stream. */
export function inBandFailure(error: JsonObject): ThroughlineError {
  const said = cleanMessage(asString(error.message) ?? "");
  return inBandError(meaningOf(error, 0), { said, retryAfterMs: retryDelayMs(error) });
}

/** The error of a body: an object, or a list of one as the vendor's OpenAI endpoint sends it. */
export function errorOf(value: unknown): JsonObject | undefined {
  const top = asObject(value) ?? asObject(asArray(value)[0]);
  return asObject(top?.error) ?? (typeof top?.error === "string" ? { message: top.error } : undefined);
}

function meaningOf(error: JsonObject, status: number): FailureMeaning {
  const code = status || (typeof error.code === "number" ? error.code : 0);
  const message = beginningOf(asString(error.message) ?? "");
  const named = byMessage.find(([pattern]) => pattern.test(message));
  // A 5xx that speaks of tokens is still the upstream's.
  if (named !== undefined && code < 500) return named[1];
  const usual = meanings[asString(error.status) ?? ""] ?? meaningOfStatus(code);
  return (usual === "credential" || usual === "unknown_model") && isUnknownReference(message)
    ? "unknown_reference"
    : usual;
}

/** One of the typed details of an error. */
function detailOf(error: JsonObject, type: string): JsonObject | undefined {
  return asArray(error.details)
    .map(asObject)
    .find((detail) => asString(detail?.["@type"])?.endsWith(type) === true);
}

function requestIdOf(error: JsonObject): string | undefined {
  return asString(detailOf(error, "google.rpc.RequestInfo")?.requestId);
}

/** `retryDelay` of google.rpc.RetryInfo ("12s", "0.5s"), as Retry-After is read; 0: not said. */
function retryDelayMs(error: JsonObject): number {
  const seconds = /^(\d+(?:\.\d+)?)s$/.exec(asString(detailOf(error, "google.rpc.RetryInfo")?.retryDelay) ?? "")?.[1];
  return seconds === undefined ? 0 : retryAfterMs({ "retry-after": seconds });
}
