import type { BillableUsage } from "../../../../../shared/money.ts";
import { asObject, countOf, type JsonObject } from "../../../wire/json.ts";
import { toldUsage, withCount } from "../neutral/further.ts";
import type { UsageCounts } from "../neutral/usage.ts";

/**
 * The counts of a usage object. `input_tokens` is the uncached part only; `output_tokens` includes thinking; cache writes are
 * told apart by how long they are kept (@anthropic-ai/sdk 1.11, resources/messages).
 */
export function readUsage(usage: JsonObject): UsageCounts {
  const creation = asObject(usage.cache_creation);
  const further = withCount(undefined, "writtenForHour", creation?.ephemeral_1h_input_tokens);
  const counts = {
    fresh: countOf(usage.input_tokens),
    cached: countOf(usage.cache_read_input_tokens),
    written: countOf(usage.cache_creation_input_tokens) ?? writtenIn(creation),
    output: countOf(usage.output_tokens),
    reasoning: countOf(asObject(usage.output_tokens_details)?.thinking_tokens),
  };
  return further === undefined ? counts : { ...counts, further };
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
