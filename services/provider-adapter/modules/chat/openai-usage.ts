import type { BillableUsage } from "../../../../shared/money.ts";
import type { LatencyCheckpoint } from "../../domain/latency.ts";
import { asObject, countOf, type JsonObject } from "../../wire/json.ts";
import type { UsageCounts } from "./neutral/usage.ts";

/**
 * The counts of an OpenAI usage object. `prompt_tokens` includes cached ones and `completion_tokens` includes reasoning
 * (openai 7, resources/completions.d.ts); DeepSeek, Moonshot and DashScope name the cached ones elsewhere (wire/providers).
 */
export function readOpenaiUsage(usage: JsonObject): UsageCounts {
  const input = asObject(usage.prompt_tokens_details) ?? {};
  const output = asObject(usage.completion_tokens_details) ?? {};
  return {
    input: countOf(usage.prompt_tokens),
    cached: firstCount(input.cached_tokens, usage.prompt_cache_hit_tokens, usage.cached_tokens),
    written: firstCount(input.cache_write_tokens, input.cache_creation_input_tokens),
    output: countOf(usage.completion_tokens),
    reasoning: countOf(output.reasoning_tokens),
    total: countOf(usage.total_tokens),
  };
}

/** The first of several names of one count that says more than 0. */
function firstCount(...values: readonly unknown[]): number | undefined {
  const counts = values.map(countOf);
  return counts.find((count) => count !== undefined && count > 0) ?? counts.find((count) => count !== undefined);
}

/** A usage object with every field of the platform's chat document; what else the upstream said stays. */
export function writeOpenaiUsage(
  usage: BillableUsage,
  original: JsonObject | undefined,
  latency: LatencyCheckpoint,
): JsonObject {
  const prompt = Number(usage.inputTokens + usage.cachedInputTokens + usage.cacheWriteTokens);
  const completion = Number(usage.outputTokens + usage.reasoningTokens);
  return {
    ...original,
    prompt_tokens: prompt,
    completion_tokens: completion,
    total_tokens: prompt + completion,
    prompt_tokens_details: {
      audio_tokens: 0,
      ...asObject(original?.prompt_tokens_details),
      cached_tokens: Number(usage.cachedInputTokens),
      ...(usage.cacheWriteTokens > 0n ? { cache_write_tokens: Number(usage.cacheWriteTokens) } : {}),
    },
    completion_tokens_details: {
      audio_tokens: 0,
      accepted_prediction_tokens: 0,
      rejected_prediction_tokens: 0,
      ...asObject(original?.completion_tokens_details),
      reasoning_tokens: Number(usage.reasoningTokens),
    },
    latency_checkpoint: latency,
  };
}
