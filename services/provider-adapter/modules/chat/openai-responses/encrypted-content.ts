import { parseSignature, type Signature, signatureText } from "../neutral/signature.ts";
import { responsesFormat } from "./format-name.ts";

/*
 * How signed thinking survives a round trip: a reasoning item's `encrypted_content` is opaque to clients, and they send the
 * items of an answer back. It holds the signature of the thinking in its summary; marked, an item without a summary holds
 * thinking that its upstream gave encrypted ("redacted~"), or what the call that follows was signed with ("call~").
 */

/** What a reasoning item's encrypted content is about. */
export type EncryptedKind = "thinking" | "redacted" | "call";

/** The `encrypted_content` of a signature. */
export function encryptedContent(kind: EncryptedKind, signature: Signature): string {
  const text = signatureText(signature, responsesFormat);
  return kind === "thinking" ? text : `${kind}~${text}`;
}

/** Reads `encrypted_content`; undefined: there is none. */
export function parseEncryptedContent(
  text: string | undefined,
): { readonly kind: EncryptedKind; readonly signature: Signature } | undefined {
  const found = /^(redacted|call)~/.exec(text ?? "")?.[1] as "redacted" | "call" | undefined;
  const signature = parseSignature(found === undefined ? text : text?.slice(found.length + 1), responsesFormat);
  return signature === undefined ? undefined : { kind: found ?? "thinking", signature };
}
