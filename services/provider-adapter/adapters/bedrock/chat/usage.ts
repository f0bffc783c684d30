import { withCount } from "../../../modules/chat/neutral/further.ts";
import type { UsageCounts } from "../../../modules/chat/neutral/usage.ts";
import { asArray, asObject, asString, countOf, type JsonObject } from "../../../wire/json.ts";

/**
 * The counts of an answer, or of the event `metadata`. `inputTokens` is what was neither read from a cache nor written to one
 * (docs.aws.amazon.com/bedrock: "Prompt caching"); thinking is among the output.
 */
export function readUsage(said: JsonObject): UsageCounts | undefined {
  const usage = asObject(said.usage);
  if (usage === undefined) return undefined;
  let hours: number | undefined;
  for (const raw of asArray(usage.cacheDetails)) {
    const { ttl, inputTokens } = asObject(raw) ?? {};
    if (ttl === "1h") hours = (hours ?? 0) + (countOf(inputTokens) ?? 0);
  }
  return {
    fresh: countOf(usage.inputTokens),
    cached: countOf(usage.cacheReadInputTokens),
    written: countOf(usage.cacheWriteInputTokens),
    output: countOf(usage.outputTokens),
    tier: asString(asObject(said.serviceTier)?.type),
    further: withCount(undefined, "writtenForHour", hours),
  };
}
