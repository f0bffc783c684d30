/**
 * What an upstream signed its thinking with, so that it can be given back. Opaque; only the format that made it can read
 * it, so it always travels with that format's name.
 */
export interface Signature {
  /** Wire format that made it, e.g. "anthropic.messages", "gemini". */
  readonly origin: string;
  readonly value: string;
}

/** Mark of what this platform wrote: nothing that a vendor makes begins with it. */
const mark = "tl1~";

/** The name of a format where a dialect has a field for it, e.g. "tl1~gemini". */
export function writeOrigin(format: string): string {
  return mark + format;
}

/** The format of a name that `writeOrigin` made; undefined: a vendor's own word. */
export function parseOrigin(text: string | undefined): string | undefined {
  return text?.startsWith(mark) ? text.slice(mark.length) : undefined;
}

/**
 * A signature as one opaque text, for dialects whose field has no room for the origin. That of the dialect's own format
 * stays as it is: its SDKs and its vendor know it.
 */
export function signatureText(signature: Signature | undefined, ownFormat: string): string {
  if (signature === undefined) return "";
  if (signature.origin === ownFormat) return signature.value;
  return `${mark}${signature.origin}~${signature.value}`;
}

/** The signature of an opaque text; undefined for an empty one. */
export function parseSignature(text: string | undefined, ownFormat: string): Signature | undefined {
  if (!text) return undefined;
  if (!text.startsWith(mark)) return { origin: ownFormat, value: text };
  const [, origin = "", ...value] = text.split("~");
  return { origin, value: value.join("~") };
}
