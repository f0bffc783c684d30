import { ThroughlineError } from "../../../../shared/errors/error.ts";
import { cleanMessage } from "../../domain/clean-message.ts";
import { asArray, asObject, asString, type JsonObject, parseJson } from "../../domain/json.ts";
import type { UpstreamFailure } from "../../domain/upstream-failure.ts";

/** Words of a vendor's message or code that mean "the input is too long" (OpenAI, DeepSeek, vLLM, Mistral, Zhipu 1261). */
const tooLong = /context[_ ]length|maximum context|too many tokens|prompt is too long|input is too long|"?1261"?/i;
/** Codes that mean "our account has no credit left", which some vendors send as 400 or 429. */
const noCredit =
  /insufficient_quota|insufficient_user_quota|arrearage|exceeded_current_quota|billing_hard_limit|"?1113"?|balance/i;

/**
 * An upstream's HTTP failure in the catalogue's words. Its 401, 402 and 403 are about our credential, not the client's;
 * its 400, 413 and 422 are about the request: no other channel is asked.
 */
export function httpFailure(
  status: number,
  headers: Readonly<Record<string, string | string[] | undefined>>,
  body: string,
  upstreamRequestId: string,
): UpstreamFailure {
  const { message, code, param } = readError(body);
  const said = cleanMessage(message);
  const about = { upstreamRequestId: upstreamRequestId || undefined };
  const broke =
    status === 402 || ((status === 400 || status === 403 || status === 429) && noCredit.test(`${code} ${message}`));
  if (status === 401 || status === 403 || broke) {
    return fail(
      new ThroughlineError("upstream_error", "The upstream refused the platform's credential.", about),
      true,
      60_000,
    );
  }
  if (status === 429 || status === 503 || status === 529) {
    const retryAfterMs = retryAfter(headers);
    const error = new ThroughlineError("upstream_overloaded", "The upstream is at its capacity; try again shortly.", {
      ...about,
      ...(retryAfterMs === 0 ? {} : { retryAfterMs }),
    });
    return fail(error, true, retryAfterMs || 1_000);
  }
  if (status === 408 || status === 504) {
    return fail(new ThroughlineError("upstream_timeout", "The upstream did not answer in time.", about), true, 0);
  }
  if (status === 404 || status === 405) {
    return fail(
      new ThroughlineError("upstream_error", "The upstream does not know this model or path.", about),
      true,
      0,
    );
  }
  if (status === 413) {
    return client(
      new ThroughlineError("request_too_large", said || "The upstream finds the request too large.", about),
    );
  }
  if (status >= 400 && status < 500) {
    if (tooLong.test(`${code} ${message}`)) {
      return client(
        new ThroughlineError("context_length_exceeded", said || "The input is too long.", { ...about, param }),
      );
    }
    return client(
      new ThroughlineError("invalid_value", said || "The upstream refused the request.", { ...about, param }),
    );
  }
  return fail(new ThroughlineError("upstream_error", "The upstream failed.", about), true, 0);
}

/** The failure of an error object inside a 200 or in the middle of a stream. */
export function inBandFailure(error: JsonObject): ThroughlineError {
  const status = typeof error.code === "number" ? error.code : 0;
  const text = `${asString(error.type) ?? ""} ${asString(error.code) ?? ""}`;
  if (status === 429 || /overloaded|rate_limit/.test(text)) {
    return new ThroughlineError("upstream_overloaded", "The upstream is at its capacity; try again shortly.");
  }
  const said = cleanMessage(asString(error.message) ?? "");
  return new ThroughlineError("upstream_error", said === "" ? "The upstream failed." : `The upstream failed: ${said}`);
}

function fail(error: ThroughlineError, unhealthy: boolean, cooldownMs: number): UpstreamFailure {
  return { error, failover: true, cooldownMs, unhealthy };
}

function client(error: ThroughlineError): UpstreamFailure {
  return { error, failover: false, cooldownMs: 0, unhealthy: false };
}

/** Milliseconds of retry-after-ms, x-ms-retry-after-ms or Retry-After, at most a minute; 0: not said. */
function retryAfter(headers: Readonly<Record<string, string | string[] | undefined>>): number {
  const one = (name: string) => {
    const value = headers[name];
    return Array.isArray(value) ? value[0] : value;
  };
  const ms = Number(one("retry-after-ms") ?? one("x-ms-retry-after-ms"));
  if (ms > 0) return Math.min(60_000, Math.ceil(ms));
  const text = one("retry-after") ?? "";
  const seconds = /^\d+(\.\d+)?$/.test(text) ? Number(text) : (Date.parse(text) - Date.now()) / 1_000;
  return seconds > 0 ? Math.min(60_000, Math.ceil(seconds * 1_000)) : 0;
}

/** The vendors' many shapes of an error body (wire/providers.md section 4). */
export function readError(body: string): { message: string; code: string; param: string | undefined } {
  const parsed = parseJson(body);
  const top = asObject(parsed) ?? asObject(asArray(parsed)[0]) ?? {};
  const inner = asObject(top.error) ?? asObject(asArray(top.errors)[0]) ?? top;
  const detail = asObject(asArray(top.detail)[0]);
  const message =
    asString(inner.message) ??
    asString(top.error) ??
    asString(top.detail) ??
    asString(detail?.msg) ??
    asString(top.msg) ??
    asString(top.error_msg) ??
    "";
  const code = inner.code ?? inner.type ?? "";
  return { message, code: String(code), param: asString(inner.param) };
}
