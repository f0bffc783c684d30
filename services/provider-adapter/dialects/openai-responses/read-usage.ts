import type { BillableUsage } from "../../../../shared/money.ts";
import { asCount, asObject, type JsonObject } from "../../domain/json.ts";
import { noUsage } from "../../domain/openai-usage.ts";

/** The parts of a usage object of this format: cached and written tokens are of the input, reasoning is of the output. */
export function readUsage(usage: JsonObject): BillableUsage {
  const details = asObject(usage.input_tokens_details) ?? {};
  const input = asCount(usage.input_tokens);
  const output = asCount(usage.output_tokens);
  const cached = Math.min(input, asCount(details.cached_tokens));
  const written = Math.min(input - cached, asCount(details.cache_write_tokens));
  const reasoning = Math.min(output, asCount(asObject(usage.output_tokens_details)?.reasoning_tokens));
  return {
    ...noUsage,
    inputTokens: BigInt(input - cached - written),
    cachedInputTokens: BigInt(cached),
    cacheWriteTokens: BigInt(written),
    outputTokens: BigInt(output - reasoning),
    reasoningTokens: BigInt(reasoning),
  };
}
