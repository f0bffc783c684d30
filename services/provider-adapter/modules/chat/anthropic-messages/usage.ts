import type { BillableUsage } from "../../../../../shared/money/usage.ts";
import { vendorCostOf } from "../../../domain/vendor-cost.ts";
import { asObject, asString, countOf, type JsonObject } from "../../../wire/json.ts";
import { toldUsage, withCost, withCount } from "../neutral/further.ts";
import type { UsageCounts } from "../neutral/usage.ts";

/**
 * The counts of a usage object. `input_tokens` is the uncached part only; `output_tokens` includes thinking; cache writes are
 * told apart by how long they are kept (@anthropic-ai/sdk 1.11, resources/messages). Of its server's tools it bills searches
 * by their number (platform.claude.com, "Web search tool"); fetches cost nothing beside their tokens.
 */
export function readUsage(usage: JsonObject): UsageCounts {
  const creation = asObject(usage.cache_creation);
  const written = withCount(undefined, "writtenForHour", creation?.ephemeral_1h_input_tokens);
  const searches = asObject(usage.server_tool_use)?.web_search_requests;
  return {
    fresh: countOf(usage.input_tokens),
    cached: countOf(usage.cache_read_input_tokens),
    written: countOf(usage.cache_creation_input_tokens) ?? writtenIn(creation),
    output: countOf(usage.output_tokens),
    reasoning: countOf(asObject(usage.output_tokens_details)?.thinking_tokens),
    // The fast mode has prices of its own, whatever the tier.
    tier: usage.speed === "fast" ? "fast" : asString(usage.service_tier),
    further: withCost(withCount(written, "webSearches", searches), vendorCostOf(usage)),
  };
}

/** Cache writes of a usage that has no sum of them. */
function writtenIn(creation: JsonObject | undefined): number | undefined {
  const minutes = countOf(creation?.ephemeral_5m_input_tokens);
  const hour = countOf(creation?.ephemeral_1h_input_tokens);
  return minutes === undefined && hour === undefined ? undefined : (minutes ?? 0) + (hour ?? 0);
}

/** A usage object with every field that the format's clients know. */
export function writeUsage(usage: BillableUsage): JsonObject {
  const { fresh, cached, written, writtenForHour, output, reasoning } = toldUsage(usage);
  return {
    input_tokens: fresh,
    cache_creation_input_tokens: written,
    cache_read_input_tokens: cached,
    cache_creation: {
      ephemeral_5m_input_tokens: written - writtenForHour,
      ephemeral_1h_input_tokens: writtenForHour,
    },
    output_tokens: output,
    output_tokens_details: { thinking_tokens: reasoning },
    server_tool_use: null,
    service_tier: "standard",
  };
}
