import { extraPartTypes, extraToolTypes } from "../../../../../shared/chat-extras.ts";
import type { OpenaiFlavour } from "../../../domain/flavour.ts";
import { parseExact } from "../../../wire/exact-json.ts";
import { asArray, asObject, asString, type JsonObject, parseJson } from "../../../wire/json.ts";
import { fieldValue } from "../../../wire/patch-json.ts";
import type { Note } from "../neutral/formats.ts";
import { cannotExpress } from "../neutral/refuse.ts";
import type { GrowingPatch } from "./set-field.ts";

/** Those of the types that stand anywhere in a body and that the vendor does not take. A search each. */
function foreignIn(body: Uint8Array, types: readonly string[], taken: readonly string[]): string[] {
  const bytes = Buffer.from(body.buffer, body.byteOffset, body.byteLength);
  return types.filter((type) => !taken.includes(type) && bytes.includes(`"${type}"`));
}

/** Throws invalid_value with the path where a message holds content of another vendor's kind. */
export function checkParts(body: Uint8Array, { extraParts }: Pick<OpenaiFlavour, "extraParts">): void {
  const foreign = foreignIn(body, extraPartTypes, extraParts);
  if (foreign.length === 0) return;
  for (const [index, message] of asArray(fieldValue(body, "messages")).entries()) {
    for (const [place, raw] of asArray(asObject(message)?.content).entries()) {
      const type = asString(asObject(raw)?.type) ?? "";
      if (foreign.includes(type)) throw cannotExpress(`messages[${index}].content[${place}]`, `it takes no ${type}`);
    }
  }
}

/**
 * What changes in a body whose tools are another vendor's own: they are left out and noted. Throws invalid_value where the
 * client's choice names one of them.
 *
 * @param given JSON text of a field as it would be sent; undefined: it is not there.
 */
export function withoutExtraTools(
  body: Uint8Array,
  { extraTools }: Pick<OpenaiFlavour, "extraTools">,
  given: (field: string) => string | undefined,
  note: Note,
): GrowingPatch {
  const foreign = foreignIn(body, extraToolTypes, extraTools);
  if (foreign.length === 0) return {};
  const tools = asArray(parseExact(given("tools") ?? "[]")).map((raw) => asObject(raw) ?? {});
  const isForeign = ({ type }: JsonObject) => foreign.includes(asString(type) ?? "");
  const kept = tools.filter((tool) => !isForeign(tool));
  if (kept.length === tools.length) return {};
  const choice = parseJson(given("tool_choice") ?? "null");
  for (const [index, tool] of tools.entries()) {
    if (!isForeign(tool)) continue;
    const isChosen = asObject(choice)?.type === tool.type || (choice === "required" && kept.length === 0);
    if (isChosen) throw cannotExpress(`tools[${index}]`, "it has no such tool");
    note(`tools[${index}] left out: the vendor has no such tool`);
  }
  if (kept.length > 0) return { tools: JSON.stringify(kept) };
  const rest = ["tool_choice", "parallel_tool_calls"].filter((field) => given(field) !== undefined);
  return { tools: undefined, ...Object.fromEntries(rest.map((field) => [field, undefined])) };
}
