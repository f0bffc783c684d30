import { estimateTextTokens } from "../../../../../shared/estimate/text.ts";
import type { Asked, Exchange } from "../../../domain/exchange.ts";
import { estimatedInput } from "../../../domain/input-estimate.ts";
import { createNotes } from "../../../domain/notes.ts";
import { asString } from "../../../wire/json.ts";
import { type FieldPatch, fieldText, patchJson } from "../../../wire/patch-json.ts";
import { deliveredBy } from "../neutral/delivered.ts";
import type { LabelFits } from "../neutral/fit-labels.ts";
import type { Note } from "../neutral/formats.ts";
import { usageOf } from "../neutral/usage.ts";
import { fitLabels } from "../passthrough-labels.ts";
import { withoutForeignThinking } from "./foreign-thinking.ts";
import { messageIdOf } from "./format-name.ts";
import { messagesLabels } from "./label-places.ts";
import { createMessagesPassthrough } from "./passthrough-stream.ts";
import { messageObject, readMessage, type StreamError } from "./read-answer.ts";

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
}

/** The client's messages to an upstream that speaks them too: bytes go on, only what must change is changed. */
export function messagesPassthrough(asked: Asked, vendor: MessagesVendor): Exchange {
  const notes = createNotes();
  const { note } = notes;
  const patch: Record<string, string | undefined> = {
    model: JSON.stringify(asked.upstreamModel),
    ...vendor.controlPatch(asked, note),
  };
  const messages = withoutForeignThinking(asked.body, note);
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
        body: patchJson(body, { id: JSON.stringify(messageId) }),
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
  };
}
