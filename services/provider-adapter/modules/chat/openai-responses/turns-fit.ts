import type { TurnRules } from "../../../domain/flavour.ts";
import { asArray, asObject, asString } from "../../../wire/json.ts";
import { fieldText, fieldValue } from "../../../wire/patch-json.ts";
import { areOrderly } from "../openai-chat/turns.ts";

/** Items by which the assistant goes on with its turn: a template sees one turn. */
const ofAssistant = /^(reasoning|compaction|.*_call)$/;
const ofTool = /_output$/;

/**
 * Whether the turns of a request for a response may stand as they are at a vendor whose templates have rules: it puts the items
 * into the same template as the messages of a chat.
 */
export function itemsFit(body: Uint8Array, rules: TurnRules): boolean {
  const { system, alternate, userFirst, userAfterTool } = rules;
  if (system === "anywhere" && !alternate && !userFirst && userAfterTool) return true;
  const input = fieldValue(body, "input");
  const instructions = fieldText(body, "instructions");
  const first = instructions === undefined || instructions === "null" || instructions === '""' ? [] : ["system"];
  if (!Array.isArray(input)) return areOrderly([...first, "user"], rules);
  const roles = [...first];
  for (const item of asArray(input)) {
    const role = roleOf(item);
    if (role !== "assistant" || roles.at(-1) !== "assistant") roles.push(role);
  }
  return areOrderly(roles, rules);
}

function roleOf(item: unknown): string {
  const { role, type } = asObject(item) ?? {};
  const kind = asString(type) ?? "message";
  if (ofTool.test(kind)) return "tool";
  return ofAssistant.test(kind) ? "assistant" : (asString(role) ?? "");
}
