import type { BillableUsage } from "../../../../../shared/money/usage.ts";
import type { LatencyCheckpoint } from "../../../domain/latency.ts";
import { asArray, asObject, asString, type JsonObject } from "../../../wire/json.ts";
import { writeOpenaiUsage } from "../openai-usage.ts";

/** ID of a chat completion: from it alone the request is found. */
export function chatMessageId(requestId: bigint): string {
  return `chatcmpl-${requestId}`;
}

/**
 * A chat completion with every field of the platform's chat document, whatever the upstream left out; what the upstream
 * added stays. Absent content is "", as the document types it a string.
 */
export function writeCompletion(
  upstream: JsonObject,
  about: { id: string; created: number; model: string },
  usage: BillableUsage,
  latency: LatencyCheckpoint,
): JsonObject {
  return {
    ...upstream,
    id: about.id,
    object: "chat.completion",
    created: typeof upstream.created === "number" ? upstream.created : about.created,
    model: asString(upstream.model) || about.model,
    choices: asArray(upstream.choices).map((choice, index) => writeChoice(asObject(choice) ?? {}, index)),
    usage: writeOpenaiUsage(usage, asObject(upstream.usage), latency),
    system_fingerprint: asString(upstream.system_fingerprint) ?? "",
    service_tier: asString(upstream.service_tier) ?? "default",
  };
}

function writeChoice(choice: JsonObject, position: number): JsonObject {
  const message = asObject(choice.message) ?? {};
  return {
    ...choice,
    index: typeof choice.index === "number" ? choice.index : position,
    message: {
      ...message,
      role: "assistant",
      content: message.content ?? "",
      refusal: message.refusal ?? null,
      annotations: message.annotations ?? [],
    },
    logprobs: choice.logprobs ?? null,
    finish_reason: asString(choice.finish_reason) || "stop",
  };
}
