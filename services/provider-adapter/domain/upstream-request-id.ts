/** Response headers that carry a vendor's request ID, in the order of wire/providers.md. */
const headerNames = [
  "x-oneapi-request-id",
  "x-request-id",
  "request-id",
  "x-ds-trace-id",
  "msh-request-id",
  "mistral-correlation-id",
  "x-generation-id",
  "apim-request-id",
  "x-log-id",
  "x-litellm-call-id",
  "x-amzn-requestid",
  "x-trace-id",
  "trace-id",
] as const;

const maxLength = 256;

/** The request ID that an upstream gave in its headers: the first printable one; empty: none. */
export function upstreamRequestIdOf(headers: Readonly<Record<string, string | string[] | undefined>>): string {
  for (const name of headerNames) {
    const value = headers[name];
    const text = Array.isArray(value) ? value[0] : value;
    if (text !== undefined && /^[\x21-\x7e]+$/.test(text)) return text.slice(0, maxLength);
  }
  return "";
}
