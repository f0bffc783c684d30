import type { BillableUsage } from "../../../../../shared/money.ts";
import { asCount, type JsonObject } from "../../../domain/json.ts";
import { noUsage } from "../../../domain/openai-usage.ts";

/**
 * The parts of `usageMetadata`. The prompt's count includes cached tokens, that of the candidates excludes thoughts;
 * what the vendor's own tools brought is input too (wire/gemini.md section 3).
 */
export function readUsage(usage: JsonObject): BillableUsage {
  const prompt = asCount(usage.promptTokenCount) + asCount(usage.toolUsePromptTokenCount);
  const cached = Math.min(prompt, asCount(usage.cachedContentTokenCount));
  return {
    ...noUsage,
    inputTokens: BigInt(prompt - cached),
    cachedInputTokens: BigInt(cached),
    outputTokens: BigInt(asCount(usage.candidatesTokenCount)),
    reasoningTokens: BigInt(asCount(usage.thoughtsTokenCount)),
  };
}
