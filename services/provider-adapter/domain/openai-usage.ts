import type { BillableUsage } from "../../../shared/money.ts";
import { asCount, asObject, type JsonObject } from "./json.ts";
import type { LatencyCheckpoint } from "./latency.ts";

/** No consumption at all. */
export const noUsage: BillableUsage = {
  inputTokens: 0n,
  cachedInputTokens: 0n,
  cacheWriteTokens: 0n,
  outputTokens: 0n,
  reasoningTokens: 0n,
  images: 0n,
  audioMs: 0n,
  characters: 0n,
};

/**
 * The parts of an OpenAI usage object. `prompt_tokens` includes cached ones and `completion_tokens` includes reasoning
 * (openai 7, resources/completions.d.ts); DeepSeek, Moonshot and DashScope name the cached ones elsewhere (wire/providers).
 * xAI counts reasoning beside the completion (docs.x.ai, "Consumption and Rate Limits"): its total says so.
 */
export function readOpenaiUsage(usage: JsonObject): BillableUsage {
  const input = asObject(usage.prompt_tokens_details) ?? {};
  const output = asObject(usage.completion_tokens_details) ?? {};
  const prompt = asCount(usage.prompt_tokens);
  const completion = asCount(usage.completion_tokens);
  const cached = Math.min(
    prompt,
    asCount(input.cached_tokens) || asCount(usage.prompt_cache_hit_tokens) || asCount(usage.cached_tokens),
  );
  // OpenAI's cache writes are "unadjusted": cached and written together may exceed the prompt.
  const written = Math.min(
    prompt - cached,
    asCount(input.cache_write_tokens) || asCount(input.cache_creation_input_tokens),
  );
  const thought = asCount(output.reasoning_tokens);
  const beside = thought > 0 && asCount(usage.total_tokens) === prompt + completion + thought;
  const reasoning = beside ? thought : Math.min(completion, thought);
  return {
    ...noUsage,
    inputTokens: BigInt(prompt - cached - written),
    cachedInputTokens: BigInt(cached),
    cacheWriteTokens: BigInt(written),
    outputTokens: BigInt(beside ? completion : completion - reasoning),
    reasoningTokens: BigInt(reasoning),
  };
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
