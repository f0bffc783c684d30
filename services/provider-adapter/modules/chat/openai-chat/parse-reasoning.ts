import { asObject, asString, type JsonObject } from "../../../wire/json.ts";
import { defaultReasoning, isEffort, type Reasoning, reasoningOf } from "../neutral/reasoning.ts";

/**
 * The reasoning controls of a chat request, the most exact first: `thinking` (the form of several vendors), `reasoning`
 * (OpenRouter's), `google.thinking_config`, `reasoning_effort`, `enable_thinking` (only the boolean true counts).
 */
export function parseReasoning(body: JsonObject): Reasoning {
  const effort = isEffort(body.reasoning_effort) ? reasoningOf(body.reasoning_effort) : undefined;
  const exact =
    ofThinking(asObject(body.thinking)) ??
    ofReasoning(asObject(body.reasoning)) ??
    ofGoogle(asObject(asObject(body.google)?.thinking_config));
  if (exact !== undefined) {
    return exact.mode === "on" && effort?.effort !== undefined ? { effort: effort.effort, ...exact } : exact;
  }
  if (effort !== undefined) return effort;
  return body.enable_thinking === true ? { mode: "on" } : defaultReasoning;
}

function ofThinking(thinking: JsonObject | undefined): Reasoning | undefined {
  if (thinking === undefined) return undefined;
  if (thinking.type === "disabled") return { mode: "off" };
  if (thinking.type !== "enabled" && thinking.type !== "adaptive") return undefined;
  return { mode: "on", ...budget(thinking.budget_tokens) };
}

function ofReasoning(reasoning: JsonObject | undefined): Reasoning | undefined {
  if (reasoning === undefined) return undefined;
  if (reasoning.enabled === false) return { mode: "off" };
  const shown = reasoning.exclude === true ? { show: false } : {};
  if (isEffort(reasoning.effort)) return { ...reasoningOf(reasoning.effort), ...shown };
  if (reasoning.max_tokens !== undefined) return { mode: "on", ...budget(reasoning.max_tokens), ...shown };
  return reasoning.enabled === true ? { mode: "on", ...shown } : undefined;
}

function ofGoogle(config: JsonObject | undefined): Reasoning | undefined {
  if (config === undefined) return undefined;
  const shown = typeof config.include_thoughts === "boolean" ? { show: config.include_thoughts } : {};
  const level = asString(config.thinking_level)?.toLowerCase();
  if (isEffort(level)) return { ...reasoningOf(level), ...shown };
  if (config.thinking_budget === 0) return { mode: "off" };
  return { mode: "on", ...budget(config.thinking_budget), ...shown };
}

function budget(tokens: unknown): Pick<Reasoning, "budgetTokens"> {
  return typeof tokens === "number" && Number.isInteger(tokens) ? { budgetTokens: tokens } : {};
}
