import type { TurnRules } from "../../../domain/flavour.ts";
import { fieldBytes } from "../../../wire/patch-json.ts";
import { elementsOf } from "../../../wire/scan-json.ts";
import { areOrderly } from "./turns.ts";

const toolResult = Buffer.from('"tool_call_id"');
const system = [Buffer.from('"system"'), Buffer.from('"developer"')];
const spoken = [Buffer.from('"user"'), Buffer.from('"assistant"')];

/** Whether the turns of a body may stand as they are. An ordinary body is told by searches, any other by a walk over it. */
export function turnsFit(body: Buffer, rules: TurnRules): boolean {
  if (!mayBeDisorderly(body, rules)) return true;
  const messages = fieldBytes(body, "messages");
  return messages === undefined || areOrderly(elementsOf(messages).map(roleOf), rules);
}

function roleOf(message: Buffer): string {
  const text = fieldBytes(message, "role")?.toString() ?? "";
  return text.startsWith('"') ? text.slice(1, -1) : "";
}

function mayBeDisorderly(body: Buffer, rules: TurnRules): boolean {
  if (rules.alternate || rules.userFirst || !rules.userAfterTool) return true;
  if (body.includes(toolResult)) return true;
  if (rules.system === "anywhere") return false;
  const places = system.map((word) => body.indexOf(word)).filter((at) => at >= 0);
  const [first] = places;
  if (first === undefined) return false;
  if (rules.system === "never" || places.length > 1) return true;
  // One such word ahead of all others is the first message's role, as a rule.
  if (system.some((word) => body.indexOf(word, first + 1) >= 0)) return true;
  return spoken.some((word) => {
    const at = body.indexOf(word);
    return at >= 0 && at < first;
  });
}
