import { parseExact } from "../../../wire/exact-json.ts";
import { asArray, asObject, asString } from "../../../wire/json.ts";
import { fieldText } from "../../../wire/patch-json.ts";
import type { Note } from "../neutral/formats.ts";
import { parseEncryptedContent } from "./encrypted-content.ts";
import { isOwnReasoningId, responsesFormat } from "./format-name.ts";

const traces = [Buffer.from('"reasoning"'), Buffer.from('"item_reference"')];

/**
 * The input without reasoning of answers that were translated from another vendor's: the upstream can neither decrypt it
 * nor find it by its ID, and would refuse the request; references to such reasoning likewise. Undefined: it may stay as it is. It is parsed only when a search
 * finds reasoning.
 */
export function withoutForeignReasoning(body: Uint8Array, note: Note): string | undefined {
  const bytes = Buffer.from(body.buffer, body.byteOffset, body.byteLength);
  if (!traces.some((trace) => bytes.includes(trace))) return undefined;
  const items = asArray(parseExact(fieldText(body, "input") ?? "[]"));
  const kept = items.filter((item) => !isForeign(item));
  if (kept.length === items.length) return undefined;
  note("reasoning of earlier turns dropped: this vendor did not make it");
  return JSON.stringify(kept);
}

function isForeign(raw: unknown): boolean {
  const item = asObject(raw);
  if (item?.type === "item_reference") return isOwnReasoningId(asString(item.id) ?? "");
  if (item?.type !== "reasoning") return false;
  const found = parseEncryptedContent(asString(item.encrypted_content));
  return found === undefined ? isOwnReasoningId(asString(item.id) ?? "") : found.signature.origin !== responsesFormat;
}
