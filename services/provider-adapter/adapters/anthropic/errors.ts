import type { ThroughlineError } from "../../../../shared/errors/error.ts";
import { beginningOf, cleanMessage } from "../../domain/clean-message.ts";
import type { UpstreamFailure } from "../../domain/upstream-failure.ts";
import { asObject, asString, type JsonObject, parseJson } from "../../wire/json.ts";
import { type FailureMeaning, failureOf, inBandError } from "../failures.ts";
import { retryAfterMs } from "../retry-after.ts";
import { meaningOfStatus } from "../status-meanings.ts";
import { isUnknownReference } from "../unknown-reference.ts";

/** What the vendor's types of errors mean (platform.claude.com/docs/en/api/errors). */
const meanings: Readonly<Record<string, FailureMeaning>> = {
  invalid_request_error: "refused",
  authentication_error: "credential",
  billing_error: "no_credit",
  permission_error: "credential",
  not_found_error: "unknown_model",
  conflict_error: "overloaded",
  request_too_large: "too_large",
  rate_limit_error: "overloaded",
  api_error: "failed",
  timeout_error: "timeout",
  overloaded_error: "overloaded",
};

/** Details of a 429 that no retry can cure. */
const spendLimits = /spend_limit_reached/;
/** An account without credit, or one that may not be used, is answered as a request that is not valid. */
const noCredit = /credit balance is too low|purchase credits|reached your specified API usage limits/i;
const disabled = /(organization|account|workspace) (has been|is) (disabled|deactivated|suspended)/i;
/** Details of a 404 that is about something kept at the vendor (`thread_not_found`). */
const notKept = /_not_found$/;
const tooLong =
  /prompt is too long|maximum context length|exceed(s)? (the )?context (limit|window)|input length and `?max_tokens`? exceed/i;
const filtered = /content filtering policy|usage policy/i;

/** The vendor's HTTP failure in the catalogue's words. */
export function messagesFailure(
  status: number,
  headers: Readonly<Record<string, string | string[] | undefined>>,
  body: string,
  upstreamRequestId: string,
): UpstreamFailure {
  const top = asObject(parseJson(body)) ?? {};
  const error = asObject(top.error) ?? {};
  const message = asString(error.message) ?? "";
  return failureOf(meaningOf(error, status), {
    said: cleanMessage(message),
    upstreamRequestId: upstreamRequestId || asString(top.request_id),
    retryAfterMs: retryAfterMs(headers),
  });
}

/** The failure of an error object inside a 200 or of an `error` event. */
export function inBandFailure(error: JsonObject): ThroughlineError {
  return inBandError(meaningOf(error, 0), { said: cleanMessage(asString(error.message) ?? "") });
}

function meaningOf(error: JsonObject, status: number): FailureMeaning {
  const message = beginningOf(asString(error.message) ?? "");
  const detail = asString(asObject(error.details)?.error_code) ?? "";
  if (spendLimits.test(detail)) return "no_credit";
  if (noCredit.test(message)) return "no_credit";
  if (disabled.test(message)) return "credential";
  if (tooLong.test(message)) return "too_long";
  if (filtered.test(message)) return "filtered";
  const usual = meanings[asString(error.type) ?? ""] ?? meaningOfStatus(status);
  if (usual !== "unknown_model") return usual;
  return notKept.test(detail) || isUnknownReference(message) ? "unknown_reference" : usual;
}
