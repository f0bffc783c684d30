import type { Note } from "../../modules/chat/neutral/formats.ts";
import { type Effort, effortOf, type Reasoning } from "../../modules/chat/neutral/reasoning.ts";
import type { JsonObject } from "../../wire/json.ts";
import type { Thinking } from "./models.ts";

type Wanted = Exclude<Effort, "none">;

/** Google's own table for its OpenAI endpoint (wire/gemini.md section 6); what is above it takes all that there is. */
const budgets: Readonly<Record<Wanted, number>> = {
  minimal: 1_024,
  low: 1_024,
  medium: 8_192,
  high: 24_576,
  xhigh: Number.POSITIVE_INFINITY,
  max: Number.POSITIVE_INFINITY,
};

/** Levels that hold an effort, the nearest first. */
const levels: Readonly<Record<Wanted, readonly string[]>> = {
  minimal: ["minimal", "low"],
  low: ["low"],
  medium: ["medium", "high"],
  high: ["high"],
  xhigh: ["high"],
  max: ["high"],
};

/** Share of the output that thinking may use where both have to fit into the client's bound. */
const budgetShare = 0.8;
/** The model chooses. */
const dynamicBudget = -1;

/**
 * Writes a wish for thinking as a model takes it; undefined: the model's own default. A model takes a budget or a level,
 * never both: the other is converted.
 *
 * @param maxTokens the client's bound on its output; 0: none.
 */
export function writeThinking(
  reasoning: Reasoning,
  thinking: Thinking,
  maxTokens: number,
  path: string,
  note: Note,
): JsonObject | undefined {
  if (reasoning.mode === "default") return undefined;
  if (thinking.by === "nothing") {
    if (reasoning.mode === "on") note(`${path} dropped: this model does not think`);
    return undefined;
  }
  if (reasoning.mode === "off") return leastOf(thinking, path, note);
  const shown = { includeThoughts: reasoning.show ?? true };
  if (thinking.by === "budget") return { ...shown, thinkingBudget: budgetOf(reasoning, thinking, maxTokens) };
  const effort = effortOf(reasoning);
  const level = effort === undefined ? undefined : levels[effort].find((name) => thinking.levels.includes(name));
  return { ...shown, ...(level === undefined ? {} : { thinkingLevel: level.toUpperCase() }) };
}

/** Some models cannot stop thinking: they think as little as they can. */
function leastOf(thinking: Exclude<Thinking, { by: "nothing" }>, path: string, note: Note): JsonObject | undefined {
  if (thinking.by === "budget" && thinking.off) return { thinkingBudget: 0 };
  note(`${path}: this model cannot stop thinking; it is asked to think as little as it can`);
  if (thinking.by === "budget") return { thinkingBudget: thinking.min };
  const [least] = thinking.levels;
  return least === undefined ? undefined : { thinkingLevel: least.toUpperCase() };
}

/** The client's own budget, or that of its effort as far as it leaves room for the answer. */
function budgetOf(
  { budgetTokens, effort }: Reasoning,
  { min, max }: Extract<Thinking, { by: "budget" }>,
  maxTokens: number,
): number {
  if (budgetTokens === dynamicBudget) return dynamicBudget;
  if (budgetTokens === undefined && effort === undefined) return dynamicBudget;
  const room = maxTokens > 0 ? Math.floor(maxTokens * budgetShare) : max;
  const wanted = budgetTokens ?? Math.min(budgets[effort ?? "medium"], room);
  return Math.min(max, Math.max(min, wanted));
}
