import { asArray, asObject } from "../../../wire/json.ts";
import { fieldValue } from "../../../wire/patch-json.ts";

const mark = Buffer.from('"custom"');

/** Whether a chat body has tools of free text, or calls of such. It is parsed only where a search finds the word. */
export function hasCustomTools(body: Uint8Array): boolean {
  if (!Buffer.from(body.buffer, body.byteOffset, body.byteLength).includes(mark)) return false;
  return (
    asArray(fieldValue(body, "tools")).some(isCustom) ||
    asArray(fieldValue(body, "messages")).some((message) => asArray(asObject(message)?.tool_calls).some(isCustom))
  );
}

function isCustom(value: unknown): boolean {
  return asObject(value)?.type === "custom";
}
