import { estimateTextTokens } from "../../../../../shared/estimate/text.ts";
import type { Asked, Exchange } from "../../../domain/exchange.ts";
import { estimatedInput } from "../../../domain/input-estimate.ts";
import { createNotes } from "../../../domain/notes.ts";
import { asArray, asObject, asString, type JsonObject } from "../../../wire/json.ts";
import { type FieldPatch, fieldText, fieldValue, patchJson } from "../../../wire/patch-json.ts";
import { deliveredBy } from "../neutral/delivered.ts";
import type { LabelFits } from "../neutral/fit-labels.ts";
import type { Note } from "../neutral/formats.ts";
import { usageOf } from "../neutral/usage.ts";
import { ceilingPatch } from "../output-ceiling.ts";
import { fitLabels } from "../passthrough-labels.ts";
import { messageEvents } from "./as-events.ts";
import { withoutForeignThinking } from "./foreign-thinking.ts";
import { messageIdOf } from "./format-name.ts";
import { messagesLabels } from "./label-places.ts";
import { createMessagesPassthrough } from "./passthrough-stream.ts";
import { messageObject, readMessage, type StreamError } from "./read-answer.ts";
import { withoutSystemTurns } from "./system-turns.ts";

/** What the adapter says of its vendor. */
export interface MessagesVendor {
  /** Path behind the base URL. */
  readonly path: string;
  /** What a control at the end of the model's name, and the channel's rules, change in a body. */
  controlPatch(asked: Asked, note: Note): FieldPatch;
  /** Headers of the format, from those of the client. */
  headers(given: Readonly<Record<string, string>>): Readonly<Record<string, string>>;
  /** How it takes names of tools and IDs of calls. */
  readonly labels: LabelFits;
  readonly streamError: StreamError;
  /** Whether system messages may stand among the turns of this model. */
  takesSystemTurns(upstreamModel: string): boolean;
}

const noCitations = Buffer.from('"citations"');

/** Servers that speak the format write null where nothing is cited; the vendor leaves the field out, and strict readers take no null. */
function citationsPatch(body: Buffer, { content }: JsonObject): FieldPatch {
  if (!body.includes(noCitations)) return {};
  const blocks = asArray(content).map((block) => withoutNullCitations(asObject(block) ?? {}));
  return { content: JSON.stringify(blocks) };
}

function withoutNullCitations(block: JsonObject): JsonObject {
  if (block.citations !== null) return block;
  const { citations: _none, ...rest } = block;
  return rest;
}

/** What changes where more output is asked for than the model gives. The vendor wants a budget of thinking to be less. */
function boundPatch(asked: Asked, note: Note): FieldPatch {
  const patch = ceilingPatch(asked, ["max_tokens"], (field) => fieldText(asked.body, field), note);
  const bound = Number(patch.max_tokens ?? 0);
  const thinking = bound === 0 ? undefined : asObject(fieldValue(asked.body, "thinking"));
  if (thinking?.type !== "enabled" || Number(thinking.budget_tokens) < bound) return patch;
  note(`thinking.budget_tokens lowered to ${bound - 1}: it must be less than max_tokens`);
  return { ...patch, thinking: JSON.stringify({ ...thinking, budget_tokens: bound - 1 }) };
}

/** The messages of a request as the vendor's model takes them; undefined: they may stay as they are. */
export function fittingMessages(
  { body, upstreamModel }: Pick<Asked, "body" | "upstreamModel">,
  vendor: Pick<MessagesVendor, "takesSystemTurns">,
  note: Note,
): string | undefined {
  const own = withoutForeignThinking(body, note);
  return vendor.takesSystemTurns(upstreamModel) ? own : withoutSystemTurns(body, own, note);
}

/** The client's messages to an upstream that speaks them too: bytes go on, only what must change is changed. */
export function messagesPassthrough(asked: Asked, vendor: MessagesVendor): Exchange {
  const notes = createNotes();
  const { note } = notes;
  const patch: Record<string, string | undefined> = {
    model: JSON.stringify(asked.upstreamModel),
    ...boundPatch(asked, note),
    ...vendor.controlPatch(asked, note),
  };
  const messages = fittingMessages(asked, vendor, note);
  if (messages !== undefined) patch.messages = messages;
  const given = (field: string) => (Object.hasOwn(patch, field) ? patch[field] : fieldText(asked.body, field));
  const labels = fitLabels(asked.body, messagesLabels, vendor.labels, given, note);
  Object.assign(patch, labels.patch);
  const messageId = messageIdOf(asked.requestId);
  return {
    message: { path: vendor.path, headers: vendor.headers(asked.headers), body: patchJson(asked.body, patch) },
    notes: notes.list(),
    whole(received) {
      const body = labels.areChanged() ? Buffer.from(labels.restore(received.toString())) : received;
      const answer = readMessage(body, vendor.streamError);
      const upstream = messageObject(body, vendor.streamError);
      return {
        body: patchJson(body, { id: JSON.stringify(messageId), ...citationsPatch(body, upstream) }),
        usage: usageOf(answer.usage, false, {
          asked,
          input: () => estimatedInput(asked),
          delivered: () => deliveredBy(answer),
        }),
        finishReason: asString(upstream.stop_reason) ?? "",
        messageId,
        responseModel: answer.model,
      };
    },
    stream: () => createMessagesPassthrough(asked, messageId, vendor.streamError, estimateTextTokens, labels),
    events: messageEvents,
    gathered() {
      const kept = { ...asked, keepResponse: true };
      return createMessagesPassthrough(
        kept,
        messageId,
        vendor.streamError,
        estimateTextTokens,
        labels,
        Number.POSITIVE_INFINITY,
      );
    },
  };
}
