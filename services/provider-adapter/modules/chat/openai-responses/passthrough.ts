import { ThroughlineError } from "../../../../../shared/errors/error.ts";
import { errorIn } from "../../../domain/error-in-answer.ts";
import type { Asked, Exchange } from "../../../domain/exchange.ts";
import { endpointPath, type OpenaiFlavour } from "../../../domain/flavour.ts";
import { estimatedInput } from "../../../domain/input-estimate.ts";
import { anyLabel, createLabelFit } from "../../../domain/label-rule.ts";
import { createNotes } from "../../../domain/notes.ts";
import { asArray, asObject, asString, parseJson } from "../../../wire/json.ts";
import { type FieldPatch, fieldText, fieldValue, patchJson } from "../../../wire/patch-json.ts";
import type { LabelFits } from "../neutral/fit-labels.ts";
import type { Note } from "../neutral/formats.ts";
import { isEffort } from "../neutral/reasoning.ts";
import { usageOf } from "../neutral/usage.ts";
import { standardTier } from "../openai-chat/standard-tier.ts";
import { ceilingPatch } from "../output-ceiling.ts";
import { fitLabels } from "../passthrough-labels.ts";
import { isReadable } from "../readable.ts";
import { responseEvents } from "./as-events.ts";
import { refuseState } from "./conversation-state.ts";
import { deliveredItems } from "./delivered-items.ts";
import { withoutForeignReasoning } from "./foreign-reasoning.ts";
import { responseIdOf } from "./format-name.ts";
import { keeping } from "./keeping.ts";
import { responsesLabels } from "./label-places.ts";
import { createResponsesPassthrough, endingOf } from "./passthrough-stream.ts";
import { countsIn } from "./read-usage.ts";

/** The client's responses to an upstream that speaks them too: bytes go on, only what must change is changed. */
export function responsesPassthrough(asked: Asked, flavour: OpenaiFlavour): Exchange {
  const notes = createNotes();
  const { note } = notes;
  const given = (field: string) => fieldValue(asked.body, field);
  refuseState({ previous_response_id: given("previous_response_id"), conversation: given("conversation") });
  const input = withoutForeignReasoning(asked.body, note);
  const { previousId, background } = keeping(asked);
  const base: FieldPatch = {
    // Jobs waits for the answer here; the upstream is to give it on the call.
    ...(background ? { background: undefined } : {}),
    model: JSON.stringify(asked.upstreamModel),
    ...samplingPatch(asked.body, flavour, note),
    ...controlPatch(asked.control, given, flavour, note),
    ...standardTier(flavour, asked.prices, fieldText(asked.body, "service_tier"), note),
    ...ceilingPatch(asked, ["max_output_tokens"], (field) => fieldText(asked.body, field), note),
    ...(input === undefined ? {} : { input }),
  };
  const asSent = (field: string) => (Object.hasOwn(base, field) ? base[field] : fieldText(asked.body, field));
  const labels = fitLabels(asked.body, responsesLabels, responsesLabelFits(flavour), asSent, note);
  const patch = { ...base, ...labels.patch };
  const responseId = responseIdOf(asked.requestId);
  return {
    message: {
      path: endpointPath(flavour, asked.upstreamModel, "responses"),
      headers: {},
      body: patchJson(asked.body, patch),
    },
    notes: notes.list(),
    whole(received) {
      const body = labels.areChanged() ? Buffer.from(labels.restore(received.toString())) : received;
      const response = asObject(parseJson(body.toString()));
      if (response === undefined) {
        throw new ThroughlineError("upstream_error", "The upstream's answer is not a JSON object.");
      }
      // An empty list is an answer: all of it may have been thinking.
      const output = Array.isArray(response.output) ? response.output : undefined;
      const isThere = output !== undefined && (output.length === 0 || isReadable(output, ["type"]));
      const missing = isThere ? undefined : { message: "its answer has no output" };
      const error = errorIn(response) ?? missing;
      if (error !== undefined) throw flavour.streamError(error);
      return {
        body: patchJson(body, {
          id: JSON.stringify(responseId),
          ...previousPatch(previousId),
          ...(background ? { background: "true" } : {}),
        }),
        usage: usageOf(countsIn(response, asked.body), false, {
          asked,
          input: () => estimatedInput(asked),
          delivered: () => deliveredItems(response),
        }),
        finishReason: endingOf(response),
        messageId: responseId,
        responseModel: asString(response.model) ?? "",
      };
    },
    stream: () => createResponsesPassthrough(asked, responseId, flavour.streamError, labels),
    events: responseEvents,
    gathered() {
      const kept = { ...asked, keepResponse: true };
      return createResponsesPassthrough(kept, responseId, flavour.streamError, labels, Number.POSITIVE_INFINITY);
    },
  };
}

/** The upstream was sent the whole conversation, and does not know that it goes on from a response. */
function previousPatch(previousId: string | null): FieldPatch {
  return previousId === null ? {} : { previous_response_id: JSON.stringify(previousId) };
}

/** IDs of calls may be longer here than in chat (openai: "string too long. Expected a string with maximum length 64"). */
const callIds = createLabelFit({ ...anyLabel, maxLength: 64 });

/** How a vendor takes names of tools and IDs of calls in this format. */
export function responsesLabelFits({ labels: { names } }: OpenaiFlavour): LabelFits {
  return { names, callIds };
}

/** Sampling that the model refuses, left out: it is named among the fields that chat drops. */
function samplingPatch(
  body: Uint8Array,
  { dropFields }: OpenaiFlavour,
  note: Note,
): Readonly<Record<string, undefined>> {
  const patch: Record<string, undefined> = {};
  for (const field of ["temperature", "top_p"]) {
    const text = dropFields.includes(field) ? fieldText(body, field) : undefined;
    if (text === undefined) continue;
    patch[field] = undefined;
    if (text !== "null") note(`${field} dropped: the vendor does not take it`);
  }
  return patch;
}

/** What a control at the end of the model's name changes. */
function controlPatch(
  control: string,
  given: (field: string) => unknown,
  flavour: OpenaiFlavour,
  note: Note,
): Readonly<Record<string, string>> {
  if (control === "search") {
    const tools = asArray(given("tools"));
    if (tools.some((tool) => asString(asObject(tool)?.type)?.startsWith("web_search") === true)) return {};
    return { tools: JSON.stringify([...tools, { type: "web_search", search_context_size: "medium" }]) };
  }
  const effort = effortOf(control, flavour);
  if (effort === undefined) return {};
  if (!flavour.thinks) {
    if (control !== "nothinking" && control !== "none") note("thinking dropped: this model does not think");
    return {};
  }
  return { reasoning: JSON.stringify({ ...asObject(given("reasoning")), effort }) };
}

/** The effort that a control stands for: what switches thinking on and off in the vendor's chat format does so here. */
function effortOf(control: string, { thinkingOn, thinkingOff, effortValues }: OpenaiFlavour): string | undefined {
  const switched = (patch: Readonly<Record<string, string | undefined>>) =>
    asString(parseJson(patch.reasoning_effort ?? "null"));
  if (control === "thinking") return switched(thinkingOn) ?? "high";
  if (control === "nothinking" || control === "none") return switched(thinkingOff) ?? "none";
  return isEffort(control) ? (effortValues[control] ?? control) : undefined;
}
