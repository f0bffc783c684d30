import { ThroughlineError } from "../../../../../shared/errors/error.ts";
import { outputTokensOf } from "../../../../../shared/money/usage.ts";
import { errorIn } from "../../../domain/error-in-answer.ts";
import type { Asked, Exchange, UpstreamMessage } from "../../../domain/exchange.ts";
import { endpointPath, type OpenaiFlavour } from "../../../domain/flavour.ts";
import { estimatedInput } from "../../../domain/input-estimate.ts";
import { latencyCheckpoint } from "../../../domain/latency.ts";
import { createNotes } from "../../../domain/notes.ts";
import { asObject, asString, type JsonObject, parseJson } from "../../../wire/json.ts";
import { type Fields, openFields } from "../../../wire/patch-json.ts";
import type { Note } from "../neutral/formats.ts";
import { isEffort } from "../neutral/reasoning.ts";
import { cannotExpress } from "../neutral/refuse.ts";
import { usageOf } from "../neutral/usage.ts";
import { countsIn } from "../openai-usage.ts";
import { ceilingPatch } from "../output-ceiling.ts";
import { fitLabels } from "../passthrough-labels.ts";
import { completionEvents } from "./as-events.ts";
import { chatMessageId, writeCompletion } from "./completion.ts";
import { deliveredMessages } from "./delivered-messages.ts";
import { checkParts, withoutExtraTools } from "./extras.ts";
import { fittingMessages } from "./fitting-messages.ts";
import { createCallLabels } from "./label-calls.ts";
import { chatLabels } from "./label-places.ts";
import { createChatPassthrough } from "./passthrough-stream.ts";
import { type GrowingPatch, thinkingPatch } from "./set-field.ts";
import { vendorPatch } from "./vendor-patch.ts";
import { choicesIn, inUsualWords } from "./vendor-words.ts";

/** The client's chat dialect to an upstream that speaks it too: bytes go on, only what must change is changed. */
export function chatPassthrough(asked: Asked, flavour: OpenaiFlavour): Exchange {
  const notes = createNotes();
  const { message, toolNameOf } = prepare(asked, flavour, notes.note);
  const inputTokens = () => estimatedInput(asked);
  return {
    message,
    notes: notes.list(),
    whole(body, moments) {
      const answer = asObject(parseJson(body.toString()));
      if (answer === undefined) {
        throw new ThroughlineError("upstream_error", "The upstream's answer is not a JSON object.");
      }
      const error = errorIn(answer);
      // No answer, whatever stands in its place: it must not be charged as one.
      const given = choicesIn(answer.choices);
      if (given.length === 0) throw flavour.streamError(error ?? { message: "its answer is empty" });
      const labels = createCallLabels(flavour, toolNameOf);
      const choices = given.map((choice) => labels.label(inUsualWords(choice, flavour, error)));
      const upstream: JsonObject = { ...answer, choices };
      const usage = usageOf(countsIn(answer), false, {
        asked,
        input: inputTokens,
        delivered: () => deliveredMessages(choices),
      });
      const messageId = chatMessageId(asked.requestId);
      const completion = writeCompletion(
        upstream,
        { id: messageId, created: asked.createdUnixS, model: asked.upstreamModel },
        usage,
        latencyCheckpoint(moments, Number(outputTokensOf(usage))),
      );
      return {
        body: Buffer.from(JSON.stringify(completion)),
        usage,
        finishReason: asString(choices[0]?.finish_reason) || "stop",
        messageId,
        responseModel: asString(answer.model) ?? "",
      };
    },
    stream: () => createChatPassthrough(asked, inputTokens, flavour, toolNameOf),
    events: completionEvents,
    gathered() {
      const kept = { ...asked, keepResponse: true };
      return createChatPassthrough(kept, inputTokens, flavour, toolNameOf, Number.POSITIVE_INFINITY);
    },
  };
}

/** What goes to the vendor, and what the client calls the tools that the vendor names. */
interface Prepared {
  readonly message: UpstreamMessage;
  readonly toolNameOf: (name: string) => string;
}

/** What must change in the body on its way to this vendor. */
function prepare(asked: Asked, flavour: OpenaiFlavour, note: Note): Prepared {
  const patch: GrowingPatch = {};
  const fields = openFields(asked.body);
  if (asked.stream && flavour.streamOptions) patch.stream_options = withIncludeUsage(fields);
  if (!flavour.streamOptions && fields.text("stream_options") !== undefined) patch.stream_options = undefined;
  Object.assign(patch, reasoningPatch(asked, fields, flavour, note), searchPatch(asked, fields, flavour, note));
  // Last: what is asked for is what was priced, whatever `extra_body` says.
  patch.model = JSON.stringify(asked.upstreamModel);
  checkParts(asked.body, flavour);
  const messages = fittingMessages(asked.body, flavour, note);
  if (messages !== undefined) patch.messages = messages;
  const given = (field: string) => (Object.hasOwn(patch, field) ? patch[field] : fields.text(field));
  Object.assign(patch, ceilingPatch(asked, ["max_tokens", "max_completion_tokens"], given, note));
  Object.assign(patch, withoutExtraTools(flavour, given, note));
  Object.assign(patch, vendorPatch(flavour, asked, given, note));
  const labels = fitLabels(asked.body, chatLabels, flavour.labels, given, note);
  Object.assign(patch, labels.patch);
  const message = {
    path: endpointPath(flavour, asked.upstreamModel, "chat/completions"),
    headers: {},
    body: fields.patched(patch),
  };
  return { message, toolNameOf: labels.clientsName };
}

/** Usage is always asked for: what is billed is what the upstream counted. */
function withIncludeUsage(fields: Fields): string {
  const given = asObject(parseJson(fields.text("stream_options") ?? "null")) ?? {};
  return given.include_usage === true ? JSON.stringify(given) : JSON.stringify({ ...given, include_usage: true });
}

/** The seed's reasoning controls: `enable_thinking` (only the boolean true counts), `extra_body`, model suffixes. */
function reasoningPatch(asked: Asked, fields: Fields, flavour: OpenaiFlavour, note: Note): GrowingPatch {
  const patch: GrowingPatch = {};
  const extraText = fields.text("extra_body");
  const extra = extraText === undefined ? undefined : asObject(parseJson(extraText));
  const own = fields.text("enable_thinking");
  const { control } = asked;
  if (own !== undefined) patch.enable_thinking = undefined;
  if (extraText !== undefined) patch.extra_body = undefined;
  for (const [name, value] of Object.entries(extra ?? {})) {
    // SDKs flatten extra_body before sending; a client that sends it as a field means the same.
    if (name === "google") note("extra_body.google dropped: it is for another vendor");
    else if (name !== "enable_thinking") patch[name] = JSON.stringify(value);
  }
  let wanted: Parameters<typeof thinkingPatch>[1] | undefined;
  if (control === "nothinking" || control === "none") wanted = { mode: "off" };
  else if (isEffort(control)) wanted = { mode: "on", effort: control };
  else if (control === "thinking" || own === "true" || extra?.enable_thinking === true) wanted = { mode: "on" };
  if (wanted === undefined) return patch;
  if (!flavour.thinks) {
    if (wanted.mode === "on") note("thinking dropped: this model does not think");
    return patch;
  }
  if (wanted.mode === "on" && flavour.thinkingNeedsStream && !asked.stream) {
    note("thinking dropped: this vendor thinks in streams only");
    wanted = { mode: "off" };
  }
  return { ...patch, ...thinkingPatch(flavour, wanted) };
}

/** `web_search_options.search_context_size` defaults to medium; the suffix `-search` asks for search by itself. */
function searchPatch(asked: Asked, fields: Fields, flavour: OpenaiFlavour, note: Note): GrowingPatch {
  const text = fields.text("web_search_options");
  const given = text === undefined ? undefined : asObject(parseJson(text));
  if (given === undefined && asked.control !== "search") return {};
  if (!flavour.searches && flavour.searchOn === undefined) {
    if (asked.control === "search") throw cannotExpress("model", "it cannot search the web");
    note("web_search_options left out: this model cannot search the web");
    return { web_search_options: undefined };
  }
  if (flavour.searchOn !== undefined) {
    return { ...(text === undefined ? {} : { web_search_options: undefined }), ...flavour.searchOn };
  }
  if (given?.search_context_size) return {};
  return { web_search_options: JSON.stringify({ ...given, search_context_size: "medium" }) };
}
