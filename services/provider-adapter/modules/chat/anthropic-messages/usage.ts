import type { BillableUsage } from "../../../../../shared/money.ts";
import { asObject, countOf, type JsonObject } from "../../../wire/json.ts";
import type { UsageCounts } from "../neutral/usage.ts";

/**
 * The counts of a usage object. `input_tokens` is the uncached part only; `output_tokens` includes thinking
 * (@anthropic-ai/sdk 1.11, resources/messages).
 */
export function readUsage(usage: JsonObject): UsageCounts {
  return {
    fresh: countOf(usage.input_tokens),
    cached: countOf(usage.cache_read_input_tokens),
    written: countOf(usage.cache_creation_input_tokens),
    output: countOf(usage.output_tokens),
    reasoning: countOf(asObject(usage.output_tokens_details)?.thinking_tokens),
  };
}

/** A usage object with every field that the format's clients know. */
export function writeUsage(usage: BillableUsage): JsonObject {
  const written = Number(usage.cacheWriteTokens);
  return {
    input_tokens: Number(usage.inputTokens),
    cache_creation_input_tokens: written,
    cache_read_input_tokens: Number(usage.cachedInputTokens),
    cache_creation: { ephemeral_5m_input_tokens: written, ephemeral_1h_input_tokens: 0 },
    output_tokens: Number(usage.outputTokens + usage.reasoningTokens),
    output_tokens_details: { thinking_tokens: Number(usage.reasoningTokens) },
    server_tool_use: null,
    service_tier: "standard",
  };
}
