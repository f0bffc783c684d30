import { extraPartTypes, extraToolTypes } from "../../../../../shared/chat-extras.ts";
import type { OpenaiFlavour } from "../../../domain/flavour.ts";
import { parseExact } from "../../../wire/exact-json.ts";
import { asArray, asObject, asString, type JsonObject, parseJson } from "../../../wire/json.ts";
import { fieldValue } from "../../../wire/patch-json.ts";
import type { Note } from "../neutral/formats.ts";
import { cannotExpress } from "../neutral/refuse.ts";
import type { GrowingPatch } from "./set-field.ts";

/** Content in parts has types; names may be written with escapes. A body without either has plain texts alone. */
const marksOfParts = [Buffer.from('"type"'), Buffer.from("\\u")];

/** Throws invalid_value with the path where a message holds content of another vendor's kind. A search for each kind. */
export function checkParts(body: Uint8Array, { extraParts }: Pick<OpenaiFlavour, "extraParts">): void {
  const bytes = Buffer.from(body.buffer, body.byteOffset, body.byteLength);
  if (!marksOfParts.some((mark) => bytes.includes(mark))) return;
  const foreign: string[] = extraPartTypes.filter((type) => !extraParts.includes(type) && bytes.includes(`"${type}"`));
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
  { extraTools }: Pick<OpenaiFlavour, "extraTools">,
  given: (field: string) => string | undefined,
  note: Note,
): GrowingPatch {
  const text = given("tools");
  if (text === undefined) return {};
  const foreign: string[] = extraToolTypes.filter((type) => !extraTools.includes(type) && text.includes(`"${type}"`));
  if (foreign.length === 0) return {};
  const tools = asArray(parseExact(text)).map((raw) => asObject(raw) ?? {});
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
