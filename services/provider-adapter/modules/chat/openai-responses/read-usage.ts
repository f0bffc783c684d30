import { asObject, countOf, type JsonObject } from "../../../wire/json.ts";
import type { UsageCounts } from "../neutral/usage.ts";

/** The counts of a usage object of this format: cached and written tokens are of the input, reasoning is of the output. */
export function readUsage(usage: JsonObject): UsageCounts {
  const details = asObject(usage.input_tokens_details) ?? {};
  return {
    input: countOf(usage.input_tokens),
    cached: countOf(details.cached_tokens),
    written: countOf(details.cache_write_tokens),
    output: countOf(usage.output_tokens),
    reasoning: countOf(asObject(usage.output_tokens_details)?.reasoning_tokens),
  };
}
