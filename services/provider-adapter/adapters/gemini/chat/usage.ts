import type { UsageCounts } from "../../../modules/chat/neutral/usage.ts";
import { countOf, type JsonObject } from "../../../wire/json.ts";

/**
 * The counts of `usageMetadata`. The prompt's count includes cached tokens, that of the candidates excludes thoughts;
 * what the vendor's own tools brought is input too (wire/gemini.md section 3). A count of 0 is left out, as protobuf's JSON
 * has it, so beside a prompt's count an absent one is 0.
 */
export function readUsage(usage: JsonObject): UsageCounts {
  const prompt = countOf(usage.promptTokenCount);
  const tools = countOf(usage.toolUsePromptTokenCount) ?? 0;
  const visible = prompt !== undefined && usage.candidatesTokenCount === undefined ? 0 : usage.candidatesTokenCount;
  return {
    input: prompt === undefined ? undefined : prompt + tools,
    cached: countOf(usage.cachedContentTokenCount),
    visible: countOf(visible),
    reasoning: countOf(usage.thoughtsTokenCount),
  };
}
