import type { OpenaiFlavour } from "../../../domain/flavour.ts";
import { asArray, asObject } from "../../../wire/json.ts";
import { fieldValue } from "../../../wire/patch-json.ts";

const marks = { namespace: Buffer.from('"namespace"'), custom: Buffer.from('"custom"') };

/**
 * Whether a body has tools in a wrapping that the vendor's own responses do not know: namespaces, or free text. It is parsed
 * only where a search finds the word.
 */
export function hasUnknownWrapping(
  body: Uint8Array,
  { namespaces, customTools }: Pick<OpenaiFlavour, "namespaces" | "customTools">,
): boolean {
  const bytes = Buffer.from(body.buffer, body.byteOffset, body.byteLength);
  const unknown = new Set<unknown>();
  if (!namespaces && bytes.includes(marks.namespace)) unknown.add("namespace");
  if (!customTools && bytes.includes(marks.custom)) unknown.add("custom");
  if (unknown.size === 0) return false;
  return asArray(fieldValue(body, "tools")).some((tool) => unknown.has(asObject(tool)?.type));
}
