import type { ThroughlineError } from "../../../../shared/errors/error.ts";
import { beginningOf, cleanMessage } from "../../domain/clean-message.ts";
import type { UpstreamFailure } from "../../domain/upstream-failure.ts";
import { asArray, asObject, asString, type JsonObject, parseJson } from "../../wire/json.ts";
import { type FailureMeaning, failureMeanings, failureOf, inBandError, type Said } from "../failures.ts";
import { retryAfterMs } from "../retry-after.ts";
import { meaningOfStatus } from "../status-meanings.ts";
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

const noCredit =
  /insufficient_quota|insufficient_user_quota|arrearage|exceeded_current_quota|billing_hard_limit|billing_not_active|insufficient_balance/i;
const tooLong =
  /context[_ ](length|window|size)|maximum (context|prompt|model) length|too many tokens|(prompt|input) is too long|token limit|must have less than \d+ tokens|tokens.{0,40} must be (<=|less than) /i;

/** Meanings of errors that the vendor's own table does not name, and that their status does not tell. */
const usual: readonly ErrorRule[] = [
  { code: noCredit, means: "no_credit" },
  {
    status: 429,
    message: /insufficient (account )?balance|no (remaining )?balance|exceeded your current quota/i,
    means: "no_credit",
  },
  // OpenAI answers 403 where the account may not use this model: its other models work.
  { code: /^model_not_found$/i, means: "unknown_model" },
  { code: /context_(length|size)/i, means: "too_long" },
  { status: 400, message: tooLong, means: "too_long" },
  { status: 422, message: tooLong, means: "too_long" },
  { code: /content_filter|content_policy|moderation_blocked|^invalid_prompt$/i, means: "filtered" },
  // Groq: more tokens than the account may ask for within a minute.
  { status: 413, code: /rate_limit/i, means: "overloaded" },
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
    retryAfterMs: retryAfterMs(headers) || retryAfterMs(said.headers),
  });
}

/** The failure of an error object inside a 200 or in the middle of a stream. */
export function inBandFailure(error: JsonObject, rules: readonly ErrorRule[] = []): ThroughlineError {
  const said = readError(JSON.stringify({ error }));
  const status = typeof error.code === "number" ? error.code : Number(/^[45]\d\d$/.exec(said.code)?.[0] ?? 0);
  const named = matching(status, said, rules) ?? matching(status, said, usual);
  const known = named ?? meaningOfStatus(status);
  const isUnclear = named === undefined && (known === "refused" || known === "failed");
  if (isUnclear && /overloaded|rate_limit|server_busy|throttl/i.test(`${said.type} ${said.code}`)) {
    return failureOf("overloaded", {}).error;
  }
  return inBandError(known, { said: cleanMessage(said.message), param: said.param });
}

function meaningOf(status: number, said: SaidByVendor, rules: readonly ErrorRule[]): FailureMeaning {
  const known = matching(status, said, rules) ?? matching(status, said, usual) ?? meaningOfStatus(status);
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
  /** Fields of the head that a vendor behind this one sent, in small letters. */
  readonly headers: Readonly<Record<string, string>>;
}

/** The vendors' many shapes of an error body (wire/providers.md section 4). */
export function readError(body: string): SaidByVendor {
  const said = readBody(parseJson(body));
  // OpenRouter's own words say nothing: what the vendor behind it said stands beside them.
  if (!said.raw || !/^(provider returned error|)$/i.test(said.message)) return said;
  const behind = readBody(parseJson(said.raw));
  const words = /^\s*[[{<]/.test(said.raw) ? said.message : beginningOf(said.raw);
  return { ...said, message: behind.message || words, code: behind.code || said.code };
}

function readBody(parsed: unknown): SaidByVendor & { readonly raw: string | undefined } {
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
    headers: headersIn(asObject(inner.metadata)?.headers),
    raw: asString(asObject(inner.metadata)?.raw),
  };
}

function headersIn(value: unknown): Readonly<Record<string, string>> {
  const given = Object.entries(asObject(value) ?? {});
  return Object.fromEntries(given.map(([name, text]) => [name.toLowerCase(), String(text)]));
}
