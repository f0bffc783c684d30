import { parseSignature, type Signature, signatureText } from "../neutral/signature.ts";
import { geminiFormatName } from "./format-name.ts";

/**
 * A signature as `thoughtSignature` bears it: bytes in base64, which Python's SDK decodes. What another format made is
 * packed with its origin.
 */
export function writeThoughtSignature(signature: Signature): string {
  if (signature.origin === geminiFormatName) return signature.value;
  return Buffer.from(signatureText(signature, geminiFormatName)).toString("base64");
}

/** The signature of a `thoughtSignature`; undefined for an empty one. */
export function readThoughtSignature(text: string | undefined): Signature | undefined {
  if (!text) return undefined;
  const packed = parseSignature(Buffer.from(text, "base64").toString(), geminiFormatName);
  return packed === undefined || packed.origin === geminiFormatName
    ? { origin: geminiFormatName, value: text }
    : packed;
}
