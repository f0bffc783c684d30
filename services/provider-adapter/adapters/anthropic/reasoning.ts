import type { Note } from "../../modules/chat/neutral/formats.ts";
import { budgetOf, type Effort, effortOf, type Reasoning } from "../../modules/chat/neutral/reasoning.ts";
import type { JsonObject } from "../../wire/json.ts";
import type { Generation } from "./models.ts";

/** Smallest budget that the vendor takes. */
const minBudget = 1_024;
/** Share of the output that thinking may use where both have to fit into one bound. */
const budgetShare = 0.8;

/** The `thinking` and `output_config.effort` that a wish comes to. */
export interface WrittenThinking {
  readonly thinking?: JsonObject | undefined;
  readonly effort?: string | undefined;
  /** Thinking takes place. */
  readonly on: boolean;
}

/**
 * Writes a wish for thinking as a generation takes it. A budget must leave room for the answer inside `maxTokens`, which
 * is the client's bound on what it pays for: where the smallest budget does not fit, there is no thinking.
 */
export function writeThinking(
  reasoning: Reasoning,
  generation: Generation,
  maxTokens: number,
  path: string,
  note: Note,
): WrittenThinking {
  if (reasoning.mode === "default") return { on: generation.thinksByDefault };
  if (reasoning.mode === "off") {
    return generation.thinksByDefault ? { thinking: { type: "disabled" }, on: false } : { on: false };
  }
  if (!generation.budgetThinking && !generation.adaptiveThinking) {
    note(`${path} dropped: this model does not think`);
    return { on: false };
  }
  const exact = reasoning.budgetTokens !== undefined && reasoning.budgetTokens > 0 && reasoning.effort === undefined;
  if (generation.adaptiveThinking && !(exact && generation.budgetThinking)) {
    const shown = reasoning.show === false ? "omitted" : generation.hidesThinking ? "summarized" : undefined;
    return {
      thinking: { type: "adaptive", ...(shown === undefined ? {} : { display: shown }) },
      effort: effortWord(effortOf(reasoning), generation),
      on: true,
    };
  }
  const budget = Math.min(budgetOf(reasoning), Math.floor(maxTokens * budgetShare));
  if (budget < minBudget) {
    note(`${path} dropped: ${maxTokens} output tokens leave no room for it`);
    return { on: false };
  }
  return { thinking: { type: "enabled", budget_tokens: budget }, on: true };
}

function effortWord(effort: Exclude<Effort, "none"> | undefined, { efforts }: Generation): string | undefined {
  if (effort === undefined || efforts.has(effort)) return effort;
  return effort === "minimal" ? "low" : "max";
}
