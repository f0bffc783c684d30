/** Kinds of text that may stand where an upstream takes an address of a medium. */
export type AddressKind = "data" | "remote" | "refused";

/** Letters of base64 in both alphabets, and the white space that some encoders put between lines. */
const base64Letters = /^[A-Za-z0-9+/=_\s-]*$/;
/** An address that all parsers read alike: a scheme with its two slashes, no white space, no control character, no backslash. */
const plainAddress = /^https?:\/\/[^\s\p{C}\\/?#@][^\s\p{C}\\]*$/iu;
/** Beginning of bare data that is looked at: an address shows what it is at once. */
const lookedAt = 1_000;

/**
 * Whether a text is data, an address that can be fetched, or neither. What one parser reads as an address of the public
 * internet and another as a file or a host of ours (`file:`, `//host`, line breaks, backslashes, a password before the
 * host) is refused: it would be the upstream's parser that decides.
 *
 * @param orBase64 bare base64 counts as data too.
 */
export function addressKind(text: string, orBase64: boolean): AddressKind {
  if (/^data:/i.test(text)) return "data";
  if (orBase64 && base64Letters.test(text.slice(0, lookedAt))) return "data";
  const parsed = plainAddress.test(text) ? URL.parse(text) : null;
  if (parsed === null || parsed.username !== "" || parsed.password !== "") return "refused";
  // Escapes within a host (%00, %2f) are read differently.
  const authority = text.slice(text.indexOf("//") + 2).split(/[/?#]/, 1)[0] ?? "";
  return authority.includes("%") ? "refused" : "remote";
}
