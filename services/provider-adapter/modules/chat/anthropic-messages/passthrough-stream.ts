import { outputTokensOf } from "../../../../../shared/money/usage.ts";
import type { AnswerFacts, Asked, StreamTranslation, UpstreamEvent } from "../../../domain/exchange.ts";
import { estimatedInput } from "../../../domain/input-estimate.ts";
import { latencyCheckpoint } from "../../../domain/latency.ts";
import { asObject, asString, parseJson } from "../../../wire/json.ts";
import { writeDocument } from "../../../wire/too-deep.ts";
import { saysContent } from "../content.ts";
import { createAnswerFold } from "../neutral/fold.ts";
import { usageOf } from "../neutral/usage.ts";
import type { FittedLabels } from "../passthrough-labels.ts";
import { createUnread, maxKeptText } from "../unread.ts";
import type { StreamError } from "./read-answer.ts";
import { readMessageStream } from "./read-stream.ts";
import { writeMessage } from "./write-answer.ts";

/**
 * A stream whose upstream speaks the client's own dialect. Events go on as they come; only the first is parsed on its way,
 * for its ID. The others are read afterwards and together, for usage and history.
 */
export function createMessagesPassthrough(
  asked: Asked,
  messageId: string,
  streamError: StreamError,
  countTokens: (text: string) => number,
  labels: Pick<FittedLabels, "restore">,
  maxText = asked.keepResponse ? maxKeptText : 0,
): StreamTranslation {
  const fold = createAnswerFold(countTokens, maxText);
  const reader = readMessageStream(streamError);
  let stopReason = "";
  let stopped = false;
  let ended = false;
  let content = false;

  const unread = createUnread((events) => {
    for (const data of events) {
      try {
        reader.read({ data }, (step) => fold.add(step));
      } catch {
        // It has gone to the client already; what it held is not counted.
      }
    }
  });

  /** The first event bears the ID; it is the one that is written anew. */
  function open(data: string): string {
    const event = asObject(parseJson(data));
    const message = asObject(event?.message);
    if (event === undefined || message === undefined) throw streamError({ message: "its first event is not valid" });
    return `event: message_start\ndata: ${JSON.stringify({ ...event, message: { ...message, id: messageId } })}\n\n`;
  }

  function nameOf({ event, data }: UpstreamEvent): string {
    return event ?? asString(asObject(parseJson(data))?.type) ?? "";
  }

  function facts(): AnswerFacts {
    unread.takeIn();
    return {
      usage: usageOf(fold.usage(), fold.partialUsage(), {
        asked,
        input: () => estimatedInput(asked),
        delivered: fold.delivered,
      }),
      finishReason: stopReason,
      messageId,
      responseModel: fold.model(),
    };
  }

  return {
    event(event) {
      let { data } = event;
      if (data === "") return "";
      // The end of a text that was cut short is the one fault that is cheap to see.
      if (!data.endsWith("}")) throw streamError({ message: "it sent an event that is not valid JSON" });
      const name = nameOf(event);
      if (name === "content_block_start") data = labels.restore(data);
      switch (name) {
        case "message_start":
          unread.add(data);
          return open(data);
        case "error":
          throw streamError(asObject(asObject(parseJson(data))?.error) ?? {});
        case "message_delta": {
          const delta = asObject(asObject(parseJson(data))?.delta);
          if (delta === undefined) throw streamError({ message: "it sent an event that is not valid JSON" });
          const reason = asString(delta.stop_reason);
          if (reason !== undefined && stopReason !== "") {
            // It has ended already. What this says of the usage counts all the same.
            unread.add(data);
            return "";
          }
          stopReason = reason ?? stopReason;
          break;
        }
        case "message_stop":
          stopped = true;
          ended = true;
          break;
        case "ping":
          break;
        default:
          content ||= saysContent(data, (said) => said);
      }
      unread.add(data);
      return `event: ${name}\ndata: ${data}\n\n`;
    },
    hasContent() {
      return content;
    },
    end() {
      if (ended) return "";
      ended = true;
      // The upstream forgot it; the client's stream helper waits for it.
      return 'event: message_stop\ndata: {"type":"message_stop"}\n\n';
    },
    isComplete() {
      return stopped || stopReason !== "";
    },
    facts,
    document(moments) {
      if (!asked.keepResponse) return { body: new Uint8Array(), truncated: false };
      const { usage } = facts();
      const head = { id: messageId, createdUnixS: asked.createdUnixS, model: fold.model() || asked.upstreamModel };
      const outputTokens = Number(outputTokensOf(usage));
      const message = writeMessage(fold.answer(), head, { usage, latency: latencyCheckpoint(moments, outputTokens) });
      return writeDocument(message, fold.truncated());
    },
    contentChunks() {
      unread.takeIn();
      return fold.contentSteps();
    },
  };
}
