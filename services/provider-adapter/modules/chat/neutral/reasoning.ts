/** How hard to think. "none" is off. */
export const efforts = ["none", "minimal", "low", "medium", "high", "xhigh", "max"] as const;

/** How hard to think. */
export type Effort = (typeof efforts)[number];

/** Whether the text is an effort. */
export function isEffort(text: unknown): text is Effort {
  return (efforts as readonly unknown[]).includes(text);
}

/** What the client wants of thinking before the answer. */
export interface Reasoning {
  /** "default": as the model does by itself. */
  readonly mode: "default" | "on" | "off";
  /** Absent: not said. Never "none": that is mode "off". */
  readonly effort?: Exclude<Effort, "none"> | undefined;
  /** Bound on thinking tokens; -1: the model decides. Absent: not said. */
  readonly budgetTokens?: number | undefined;
  /** Whether the thinking is shown. Absent: as the dialect does. */
  readonly show?: boolean | undefined;
}

/** Nothing said of thinking. */
export const defaultReasoning: Reasoning = { mode: "default" };

/**
 * Budget of an effort where a format knows budgets only: Google's own table for its OpenAI endpoint (1,024 / 8,192 /
 * 24,576), with steps between and above.
 */
const budgets: Readonly<Record<Exclude<Effort, "none">, number>> = {
  minimal: 1_024,
  low: 2_048,
  medium: 8_192,
  high: 24_576,
  xhigh: 32_768,
  max: 65_536,
};

/** Thinking tokens of a request that is "on": its own budget, else that of its effort (medium where none is said). */
export function budgetOf(reasoning: Reasoning): number {
  if (reasoning.budgetTokens !== undefined && reasoning.budgetTokens > 0) return reasoning.budgetTokens;
  return budgets[reasoning.effort ?? "medium"];
}

/** Effort of a request, where a format knows efforts only: its own, else the lowest that holds its budget. */
export function effortOf(reasoning: Reasoning): Exclude<Effort, "none"> | undefined {
  if (reasoning.effort !== undefined) return reasoning.effort;
  const { budgetTokens } = reasoning;
  if (budgetTokens === undefined || budgetTokens <= 0) return undefined;
  if (budgetTokens <= budgets.low) return "low";
  return budgetTokens <= budgets.medium ? "medium" : "high";
}

/** Reasoning of an effort word: "none" is off. */
export function reasoningOf(effort: Effort): Reasoning {
  return effort === "none" ? { mode: "off" } : { mode: "on", effort };
}
