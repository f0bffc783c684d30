import { ThroughlineError } from "../../../shared/errors/error.ts";

/** Shorter ones are words ("none", "EMPTY") of upstreams that need no key. */
const minSecretLength = 8;
/** Each part of a credential counts for itself, and a password among the parts may be short. */
const minPartLength = 6;

/** What stands between the parts of a credential: `access:secret`, `id.secret`, lines, fields. */
const separators = /[\s:|,;&=.]+|\\n/;

/**
 * A text of the upstream without the credential that it was sent, nor any part of it. Some repeat it in their errors, whole
 * or only the half that they know a client by, and patterns find only those keys that look like a vendor's.
 */
export function hideCredential(text: string, credential: string): string {
  if (credential.length < minSecretLength) return text;
  // One walk over the text, however many parts there are: an error may be megabytes.
  return text.replace(new RegExp(formsOf(credential).map(escapePattern).join("|"), "g"), "[key]");
}

function escapePattern(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/-]/g, "\\$&");
}

/** Every way in which a credential or a part of it may stand in a text, longest first: a part must not spoil the whole. */
function formsOf(credential: string): readonly string[] {
  const whole = [credential, ...written(credential)];
  const parts = [credential, ...fieldsOf(credential)].flatMap((text) => [text, ...text.split(separators)]);
  const forms = new Set([...whole, ...parts.filter((part) => part.length >= minPartLength)].flatMap(spelt));
  return [...forms].sort((a, b) => b.length - a.length);
}

/** As it travels in headers: `Basic` has it in base64. */
function written(text: string): readonly string[] {
  const base64 = Buffer.from(text).toString("base64");
  return [base64, base64.replace(/=+$/, ""), Buffer.from(text).toString("base64url")];
}

/** As it is, as JSON spells it, as addresses spell it. */
function spelt(text: string): readonly string[] {
  return [text, JSON.stringify(text).slice(1, -1), encodeURIComponent(text.toWellFormed())];
}

/** Texts in a credential that is JSON itself, such as the file of a service account. */
function fieldsOf(credential: string): readonly string[] {
  if (!/^\s*[{[]/.test(credential)) return [];
  try {
    return textsIn(JSON.parse(credential));
  } catch {
    return [];
  }
}

function textsIn(value: unknown): readonly string[] {
  if (typeof value === "string") return [value];
  return typeof value === "object" && value !== null ? Object.values(value).flatMap(textsIn) : [];
}

/** The error without the credential. */
export function withoutCredential(error: ThroughlineError, credential: string): ThroughlineError {
  const message = hideCredential(error.message, credential);
  const param = error.param === undefined ? undefined : hideCredential(error.param, credential);
  if (message === error.message && param === error.param) return error;
  const { code, httpStatus, retryAfterMs, upstreamRequestId, headers } = error;
  return new ThroughlineError(code, message, { param, httpStatus, retryAfterMs, upstreamRequestId, headers });
}
