/**
 * What an upstream signed its thinking with, so that it can be given back. Opaque; only the format that made it can read
 * it, so it always travels with that format's name.
 */
export interface Signature {
  /** Wire format that made it, e.g. "anthropic.messages", "gemini". */
  readonly origin: string;
  readonly value: string;
}

const prefix = "tl1";

/**
 * A signature as one opaque text, for dialects whose field has no room for the origin. That of the dialect's own format
 * stays as it is: its SDKs and its vendor know it.
 */
export function signatureText(signature: Signature | undefined, ownFormat: string): string {
  if (signature === undefined) return "";
  if (signature.origin === ownFormat) return signature.value;
  return `${prefix}~${signature.origin}~${signature.value}`;
}

/** The signature of an opaque text; undefined for an empty one. */
export function parseSignature(text: string | undefined, ownFormat: string): Signature | undefined {
  if (!text) return undefined;
  if (!text.startsWith(`${prefix}~`)) return { origin: ownFormat, value: text };
  const [, origin = "", ...value] = text.split("~");
  return { origin, value: value.join("~") };
}
