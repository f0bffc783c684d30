import { ThroughlineError } from "../../../../../shared/errors/error.ts";
import { estimateTextTokens } from "../../../../../shared/estimate/text.ts";
import { outputTokensOf } from "../../../../../shared/money/usage.ts";
import { errorIn } from "../../../domain/error-in-answer.ts";
import type { Asked, Exchange } from "../../../domain/exchange.ts";
import { endpointPath, type OpenaiFlavour } from "../../../domain/flavour.ts";
import { estimatedInput } from "../../../domain/input-estimate.ts";
import { latencyCheckpoint } from "../../../domain/latency.ts";
import { createNotes } from "../../../domain/notes.ts";
import { asArray, asObject, asString, type JsonObject, parseJson } from "../../../wire/json.ts";
import { fieldText, fieldValue, patchJson } from "../../../wire/patch-json.ts";
import type { Note } from "../neutral/formats.ts";
import { type Delivered, usageOf } from "../neutral/usage.ts";
import { textCompletionEvents } from "../openai-chat/as-events.ts";
import { standardTier } from "../openai-chat/standard-tier.ts";
import { countsIn, writeOpenaiUsage } from "../openai-usage.ts";
import { ceilingPatch } from "../output-ceiling.ts";
import { isReadable } from "../readable.ts";
import { completionIdOf } from "./format-name.ts";
import { createCompletionsPassthrough } from "./passthrough-stream.ts";

/** The client's completions to an upstream that speaks them too: bytes go on, only what must change is changed. */
export function completionsPassthrough(asked: Asked, flavour: OpenaiFlavour): Exchange {
  const notes = createNotes();
  if (asked.control !== "") notes.note(`-${asked.control} dropped: this endpoint has no such control`);
  const completionId = completionIdOf(asked.requestId);
  return {
    message: {
      path: endpointPath(flavour, asked.upstreamModel, "completions"),
      headers: {},
      body: patchJson(asked.body, patchOf(asked, flavour, notes.note)),
    },
    notes: notes.list(),
    whole(body, moments) {
      const completion = asObject(parseJson(body.toString()));
      if (completion === undefined) {
        throw new ThroughlineError("upstream_error", "The upstream's answer is not a JSON object.");
      }
      const choices = asArray(completion.choices).map((choice) => asObject(choice) ?? {});
      const error =
        errorIn(completion) ??
        (!isReadable(choices, ["text", "finish_reason"]) ? { message: "its answer is empty" } : undefined);
      if (error !== undefined) throw flavour.streamError(error);
      const found = asObject(completion.usage);
      const usage = usageOf(countsIn(completion), false, {
        asked,
        input: () => estimatedInput(asked),
        delivered: () => deliveredBy(choices),
      });
      const latency = latencyCheckpoint(moments, Number(outputTokensOf(usage)));
      return {
        body: patchJson(body, {
          id: JSON.stringify(completionId),
          usage: JSON.stringify(writeOpenaiUsage(usage, found, latency)),
        }),
        usage,
        finishReason: asString(choices[0]?.finish_reason) ?? "",
        messageId: completionId,
        responseModel: asString(completion.model) ?? "",
      };
    },
    stream: () => createCompletionsPassthrough(asked, completionId, flavour.streamError),
    events: textCompletionEvents,
    gathered() {
      const kept = { ...asked, keepResponse: true };
      return createCompletionsPassthrough(kept, completionId, flavour.streamError, Number.POSITIVE_INFINITY);
    },
  };
}

/** Tokens of what the choices deliver, by the platform's estimate. */
function deliveredBy(choices: readonly JsonObject[]): Delivered {
  let visible = 0;
  let thinking = 0;
  for (const choice of choices) {
    visible += estimateTextTokens(asString(choice.text) ?? "");
    thinking += estimateTextTokens(asString(choice.reasoning_content) ?? asString(choice.reasoning) ?? "");
  }
  return { visible, thinking };
}

/** Usage is always asked for: what is billed is what the upstream counted. */
function patchOf(asked: Asked, flavour: OpenaiFlavour, note: Note): Readonly<Record<string, string | undefined>> {
  const { body, prices, stream, upstreamModel } = asked;
  const tier = standardTier(flavour, prices, fieldText(body, "service_tier"), note);
  const ceiling = ceilingPatch(asked, ["max_tokens"], (field) => fieldText(body, field), note);
  const patch = { ...tier, ...ceiling, model: JSON.stringify(upstreamModel) };
  if (!stream) return patch;
  if (!flavour.streamOptions) return { ...patch, stream_options: undefined };
  const given = asObject(fieldValue(body, "stream_options"));
  return { ...patch, stream_options: JSON.stringify({ ...given, include_usage: true }) };
}
