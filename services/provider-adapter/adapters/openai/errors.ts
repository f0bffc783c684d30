import { ThroughlineError } from "../../../../shared/errors/error.ts";
import { beginningOf, cleanMessage } from "../../domain/clean-message.ts";
import type { UpstreamFailure } from "../../domain/upstream-failure.ts";
import { asArray, asObject, asString, type JsonObject, parseJson } from "../../wire/json.ts";
import { type FailureMeaning, failureMeanings, failureOf, type Said } from "../failures.ts";
import { retryAfterMs } from "../retry-after.ts";
import { isUnknownReference } from "../unknown-reference.ts";

/** What a rule of a flavour may say that an error means. */
export const errorMeanings = failureMeanings;

/** One line of a vendor's table of errors: every condition that is given must hold. */
export interface ErrorRule {
  readonly status?: number | undefined;
  readonly code?: RegExp | undefined;
  readonly message?: RegExp | undefined;
  readonly means: FailureMeaning;
}

/** Meanings of errors that the vendor's own table does not name. */
const usual: readonly ErrorRule[] = [
  { status: 402, means: "no_credit" },
  {
    code: /insufficient_quota|insufficient_user_quota|arrearage|exceeded_current_quota|billing_hard_limit|insufficient_balance/i,
    means: "no_credit",
  },
  {
    status: 429,
    message: /insufficient (account )?balance|no (remaining )?balance|exceeded your current quota/i,
    means: "no_credit",
  },
  { status: 401, means: "credential" },
  { status: 403, means: "credential" },
  { status: 413, means: "too_large" },
  { code: /context_length/i, means: "too_long" },
  {
    status: 400,
    message: /context[_ ]length|maximum context|too many tokens|prompt is too long|input is too long|token limit/i,
    means: "too_long",
  },
  { status: 400, code: /content_filter|content_policy/i, means: "filtered" },
  { status: 404, means: "unknown_model" },
  { status: 405, means: "unknown_model" },
  { status: 408, means: "timeout" },
  { status: 504, means: "timeout" },
  { status: 409, means: "overloaded" },
  { status: 425, means: "overloaded" },
  { status: 429, means: "overloaded" },
  { status: 503, means: "overloaded" },
  { status: 529, means: "overloaded" },
];

/**
 * An upstream's HTTP failure in the catalogue's words. Its 401, 402 and 403 are about our credential, not the client's;
 * its 400 and 422 are about the request: no other channel is asked.
 */
export function httpFailure(
  status: number,
  headers: Readonly<Record<string, string | string[] | undefined>>,
  body: string,
  upstreamRequestId: string,
  rules: readonly ErrorRule[] = [],
): UpstreamFailure {
  const said = readError(body);
  // An error inside a 200 names its status as its code.
  const meant = status === 200 ? Number(/^[45]\d\d$/.exec(said.code)?.[0] ?? 200) : status;
  return failureOf(meaningOf(meant, said, rules), {
    said: cleanMessage(said.message),
    param: said.param,
    upstreamRequestId: upstreamRequestId || said.requestId,
    retryAfterMs: retryAfterMs(headers),
  });
}

/** The failure of an error object inside a 200 or in the middle of a stream. */
export function inBandFailure(error: JsonObject, rules: readonly ErrorRule[] = []): ThroughlineError {
  const said = readError(JSON.stringify({ error }));
  const status = typeof error.code === "number" ? error.code : Number(/^[45]\d\d$/.exec(said.code)?.[0] ?? 0);
  const known = matching(status, said, rules) ?? matching(status, said, usual);
  if (known === undefined && /overloaded|rate_limit|server_busy|throttl/i.test(`${said.type} ${said.code}`)) {
    return failureOf("overloaded", {}).error;
  }
  const message = cleanMessage(said.message);
  if (known === "overloaded" || known === "timeout" || known === "no_credit" || known === "credential") {
    return failureOf(known, {}).error;
  }
  // After a vendor began to answer, even an error that it calls the client's mistake is a failure of the answer.
  return new ThroughlineError(
    "upstream_error",
    message === "" ? "The upstream failed." : `The upstream failed: ${message}`,
  );
}

function meaningOf(status: number, said: SaidByVendor, rules: readonly ErrorRule[]): FailureMeaning {
  const known =
    matching(status, said, rules) ??
    matching(status, said, usual) ??
    (status >= 400 && status < 500 ? "refused" : "failed");
  return known === "unknown_model" && isUnknownReference(said.message) ? "unknown_reference" : known;
}

function matching(status: number, said: SaidByVendor, rules: readonly ErrorRule[]): FailureMeaning | undefined {
  return rules.find(
    (rule) =>
      (rule.status === undefined || rule.status === status) &&
      (rule.code === undefined || rule.code.test(said.code) || rule.code.test(said.type)) &&
      (rule.message === undefined || rule.message.test(said.message)),
  )?.means;
}

/** Longest code that is looked at. */
const maxCodeLength = 200;

interface SaidByVendor extends Said {
  readonly message: string;
  readonly code: string;
  readonly type: string;
  readonly requestId: string | undefined;
}

/** The vendors' many shapes of an error body (wire/providers.md section 4). */
export function readError(body: string): SaidByVendor {
  const parsed = parseJson(body);
  const top = asObject(parsed) ?? asObject(asArray(parsed)[0]) ?? {};
  const inner = asObject(top.error) ?? asObject(asArray(top.errors)[0]) ?? top;
  // Mistral wraps FastAPI's details in its message.
  const detail = asObject(asArray(top.detail ?? asObject(inner.message)?.detail)[0]);
  const message =
    asString(inner.message) ??
    asString(top.error) ??
    asString(top.detail) ??
    asString(detail?.msg) ??
    asString(top.message) ??
    asString(top.msg) ??
    asString(top.error_msg) ??
    "";
  return {
    message: beginningOf(message),
    code: typeof inner.code === "number" ? String(inner.code) : (asString(inner.code)?.slice(0, maxCodeLength) ?? ""),
    type: asString(inner.type)?.slice(0, maxCodeLength) ?? "",
    param: asString(inner.param),
    requestId: asString(top.request_id),
  };
}
