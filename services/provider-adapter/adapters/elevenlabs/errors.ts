import type { ThroughlineError } from "../../../../shared/errors/error.ts";
import { asObject, asString, type JsonObject, parseJson } from "../../wire/json.ts";
import type { OpenedAdapter } from "../adapter.ts";
import { type ErrorRule, httpFailure, inBandFailure } from "../openai/errors.ts";

/** What the codes of ElevenLabs mean where they are its own (elevenlabs.io/docs, "Errors"). */
const rules: readonly ErrorRule[] = [
  { code: /quota_exceeded|payment_required|insufficient_credits/i, means: "no_credit" },
  { code: /voice_not_found|invalid_voice|voice_id/i, means: "refused" },
  { code: /max_character_limit|text_too_long/i, means: "too_long" },
  { code: /model_not_found|model_can_not|model_not_supported/i, means: "unknown_model" },
  { code: /content_against_policy|detected_(unusual|captcha)|moderation/i, means: "filtered" },
  { code: /file_too_large|audio_too_long/i, means: "too_large" },
  { code: /system_busy|too_many_concurrent_requests|rate_limit/i, means: "overloaded" },
];

/** What an HTTP failure of ElevenLabs means: its errors are `{detail: {status, message}}`. */
export const elevenLabsFailure: OpenedAdapter["failure"] = (status, headers, body, upstreamRequestId) => {
  const error = errorIn(asObject(parseJson(body)) ?? {});
  const text = error === undefined ? body : JSON.stringify({ error });
  return httpFailure(status, headers, text, upstreamRequestId, rules);
};

/** The failure of an error object inside an answer with status 200. */
export function elevenLabsInBand(error: JsonObject): ThroughlineError {
  return inBandFailure(error, rules);
}

/** The error of a body in OpenAI's words; undefined: it has none in this form. */
export function errorIn(body: JsonObject): JsonObject | undefined {
  const detail = asObject(body.detail);
  if (detail === undefined) return undefined;
  const code = asString(detail.code) ?? asString(detail.status) ?? "";
  return {
    message: asString(detail.message) ?? "",
    code,
    ...(/voice/i.test(code) ? { param: "voice" } : {}),
  };
}
