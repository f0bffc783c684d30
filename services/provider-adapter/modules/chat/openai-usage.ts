import type { BillableUsage } from "../../../../shared/money/usage.ts";
import type { LatencyCheckpoint } from "../../domain/latency.ts";
import { tierUsed } from "../../domain/service-tier.ts";
import { vendorCostOf } from "../../domain/vendor-cost.ts";
import { asObject, asString, countOf, type JsonObject } from "../../wire/json.ts";
import { type FurtherCounts, toldUsage, withCost, withCount } from "./neutral/further.ts";
import type { UsageCounts } from "./neutral/usage.ts";

/**
 * What an answer, or a chunk of one, says of its usage; undefined: nothing.
 *
 * @param usage absent: it is where OpenAI has it.
 */
export function countsIn(answer: JsonObject, usage = asObject(answer.usage)): UsageCounts | undefined {
  const tier = asString(answer.service_tier);
  if (usage !== undefined) return { ...readOpenaiUsage(usage), tier };
  return tierUsed(tier) === undefined ? undefined : { tier };
}

/**
 * The counts of an OpenAI usage object. `prompt_tokens` includes cached ones and `completion_tokens` includes reasoning
 * (openai 7, resources/completions.d.ts); DeepSeek, Moonshot and DashScope name the cached ones elsewhere (wire/providers).
 */
function readOpenaiUsage(usage: JsonObject): UsageCounts {
  const input = asObject(usage.prompt_tokens_details) ?? {};
  const output = asObject(usage.completion_tokens_details) ?? {};
  return {
    input: countOf(usage.prompt_tokens),
    cached: firstCount(input.cached_tokens, usage.prompt_cache_hit_tokens, usage.cached_tokens),
    written: firstCount(input.cache_write_tokens, input.cache_creation_input_tokens),
    output: countOf(usage.completion_tokens),
    reasoning: countOf(output.reasoning_tokens),
    total: countOf(usage.total_tokens),
    further: vendorCounts(usage, mediaCounts(input, output)),
  };
}

/**
 * Media that are told apart: audio and images at OpenAI (openai 7, resources/completions.d.ts), video at OpenRouter and
 * DashScope, images of the output at OpenRouter. Those of the input are of the whole of it, cached or not.
 */
function mediaCounts(input: JsonObject, output: JsonObject): FurtherCounts | undefined {
  let further = withCount(undefined, "inputAudio", input.audio_tokens);
  further = withCount(further, "inputImage", input.image_tokens);
  further = withCount(further, "inputVideo", input.video_tokens);
  further = withCount(further, "outputAudio", output.audio_tokens);
  further = withCount(further, "outputImage", output.image_tokens);
  const cached = asObject(input.cached_tokens_details);
  further = withCount(further, "cachedAudio", cached?.audio_tokens);
  return withCount(further, "cachedImage", cached?.image_tokens);
}

/**
 * What vendors of this format count beside tokens.
 *
 * - OpenRouter: `server_tool_use.web_search_requests`, which its other counts of tools include ("BodyServerToolUse").
 * - xAI: `server_side_tool_usage_details`, calls that succeeded: those are billed (docs.x.ai, "Tool Usage Details"). Searches of
 *   X are billed by what they find, so they are in its cost alone.
 * - Perplexity: `num_search_queries`.
 * - Costs: `vendorCostOf`.
 */
export function vendorCounts(usage: JsonObject, known?: FurtherCounts): FurtherCounts | undefined {
  let further = withCount(known, "webSearches", usage.num_search_queries);
  further = withCount(further, "webSearches", asObject(usage.server_tool_use)?.web_search_requests);
  const tools = asObject(usage.server_side_tool_usage_details);
  further = withCount(further, "webSearches", tools?.web_search_calls);
  further = withCount(further, "toolCalls", tools?.code_interpreter_calls);
  further = withCount(further, "toolCalls", tools?.file_search_calls);
  return withCost(further, vendorCostOf(usage));
}

/** The first of several names of one count that says more than 0. */
function firstCount(first: unknown, second: unknown, third?: unknown): number | undefined {
  const [one, two, three] = [countOf(first), countOf(second), countOf(third)];
  return one || two || three || (one ?? two ?? three);
}

/** A usage object with every field of the platform's chat document; what else the upstream said stays. */
export function writeOpenaiUsage(
  usage: BillableUsage,
  original: JsonObject | undefined,
  latency: LatencyCheckpoint,
): JsonObject {
  const { fresh, cached, written, output: completion, reasoning } = toldUsage(usage);
  const prompt = fresh + cached + written;
  return {
    ...original,
    prompt_tokens: prompt,
    completion_tokens: completion,
    total_tokens: prompt + completion,
    prompt_tokens_details: {
      audio_tokens: 0,
      ...asObject(original?.prompt_tokens_details),
      cached_tokens: cached,
      ...(written > 0 ? { cache_write_tokens: written } : {}),
    },
    completion_tokens_details: {
      audio_tokens: 0,
      accepted_prediction_tokens: 0,
      rejected_prediction_tokens: 0,
      ...asObject(original?.completion_tokens_details),
      reasoning_tokens: reasoning,
    },
    latency_checkpoint: latency,
  };
}
