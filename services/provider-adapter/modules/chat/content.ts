import { asObject, parseJson } from "../../wire/json.ts";

/** Fields that say what a piece of an answer is, or where it belongs. They hold nothing that a reader of the answer reads. */
const labels: ReadonlySet<string> = new Set([
  "type",
  "id",
  "item_id",
  "call_id",
  "event_id",
  "role",
  "phase",
  "status",
  "format",
  "obfuscation",
  // Nobody but the upstream can read it, and the item that bears it has only begun.
  "encrypted_content",
]);

/** Whether a piece of an answer holds any text beside its labels: words, a tool's name or input, the data of an image. */
export function holdsContent(value: unknown): boolean {
  if (typeof value === "string") return value !== "";
  if (Array.isArray(value)) return value.some(holdsContent);
  if (typeof value !== "object" || value === null) return false;
  for (const [name, inner] of Object.entries(value)) {
    if (!labels.has(name) && holdsContent(inner)) return true;
  }
  return false;
}

/**
 * The usual pieces, found without parsing. Inside of a text the quotes of a name stand behind backslashes, so what is found
 * is a field.
 */
const usualPiece = /"(?:content|text|thinking|reasoning_content|arguments|partial_json|delta)":\s?"[^"]/;

/** Whether an event holds content. `of` gives the part of it that may; it is asked only where a search does not tell. */
export function saysContent(data: string, of: (event: Record<string, unknown>) => unknown): boolean {
  return usualPiece.test(data) || holdsContent(of(asObject(parseJson(data)) ?? {}));
}
