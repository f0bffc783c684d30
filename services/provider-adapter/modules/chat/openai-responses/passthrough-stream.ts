import { estimateTextTokens } from "../../../../../shared/estimate/text.ts";
import { outputTokensOf } from "../../../../../shared/money/usage.ts";
import type { AnswerFacts, Asked, StreamTranslation, UpstreamEvent } from "../../../domain/exchange.ts";
import { estimatedInput } from "../../../domain/input-estimate.ts";
import { latencyCheckpoint } from "../../../domain/latency.ts";
import { asObject, asString, type JsonObject, parseJson } from "../../../wire/json.ts";
import { writeDocument } from "../../../wire/too-deep.ts";
import { saysContent } from "../content.ts";
import { createAnswerFold } from "../neutral/fold.ts";
import { usageOf } from "../neutral/usage.ts";
import type { FittedLabels } from "../passthrough-labels.ts";
import { createUnread, maxKeptText } from "../unread.ts";
import { keeping } from "./keeping.ts";
import { readDelta } from "./read-delta.ts";
import { countsIn } from "./read-usage.ts";
import { writeResponse } from "./write-response.ts";

/** Events that end a stream. */
const endings: ReadonlySet<string> = new Set(["response.completed", "response.incomplete"]);
/** Events that bear the whole response, and so its ID; all others name items only. */
const bearers: ReadonlySet<string> = new Set([
  ...endings,
  "response.created",
  "response.in_progress",
  "response.queued",
  "response.failed",
]);

/** Events that name a tool. */
const namers: ReadonlySet<string> = new Set([
  "response.output_item.added",
  "response.output_item.done",
  "response.function_call_arguments.done",
]);

/** What a whole response says of its end: its status, or why it is not complete. */
export function endingOf(response: JsonObject): string {
  return asString(asObject(response.incomplete_details)?.reason) ?? asString(response.status) ?? "";
}

/** Characters of events that wait unread. The last event says all that they do, so those of a short answer are never read. */
const maxUnread = 16 * 1024;

/**
 * A stream whose upstream speaks the client's own dialect. Events go on as they come; only those with the whole response
 * (three a stream) are parsed, for its ID and usage. The others are read afterwards and together, where they are needed.
 */
export function createResponsesPassthrough(
  asked: Asked,
  responseId: string,
  toError: (error: JsonObject) => Error,
  labels: Pick<FittedLabels, "restore">,
  maxText = asked.keepResponse ? maxKeptText : 0,
): StreamTranslation {
  const fold = createAnswerFold(estimateTextTokens, maxText);
  const unread = createUnread((events) => {
    for (const data of events) readDelta(data, (step) => fold.add(step));
  }, maxUnread);
  const { previousId } = keeping(asked);
  const known = { id: responseId, ...(previousId === null ? {} : { previous_response_id: previousId }) };
  let last: JsonObject | undefined;
  let model = "";
  let content = false;

  /** An event with the response: its ID becomes ours. */
  function rewrite(name: string, data: string): string {
    const event = asObject(parseJson(data));
    const response = asObject(event?.response);
    if (event === undefined || response === undefined) throw notValid();
    model = asString(response.model) ?? model;
    const usage = countsIn(response, asked.body);
    if (usage !== undefined && (endings.has(name) || name === "response.failed")) fold.add({ type: "usage", usage });
    if (name === "response.failed") throw toError(asObject(response.error) ?? {});
    if (endings.has(name)) last = { ...response, ...known };
    return `event: ${name}\ndata: ${JSON.stringify({ ...event, response: { ...response, ...known } })}\n\n`;
  }

  function notValid(): Error {
    return toError({ message: "The upstream sent an event that is not valid JSON." });
  }

  function facts(): AnswerFacts {
    unread.takeIn();
    return {
      usage: usageOf(fold.usage(), fold.partialUsage(), {
        asked,
        input: () => estimatedInput(asked),
        delivered: fold.delivered,
      }),
      finishReason: last === undefined ? "" : endingOf(last),
      messageId: responseId,
      responseModel: model,
    };
  }

  return {
    event(event: UpstreamEvent) {
      let { data } = event;
      if (data === "" || data.startsWith("[DONE]")) return "";
      // The end of a text that was cut short is the one fault that is cheap to see.
      if (!data.endsWith("}")) throw notValid();
      const name = event.event ?? asString(asObject(parseJson(data))?.type) ?? "";
      if (name === "error") {
        const error = asObject(parseJson(data)) ?? {};
        throw toError(asObject(error.error) ?? error);
      }
      if (bearers.has(name) || namers.has(name)) data = labels.restore(data);
      if (bearers.has(name)) return rewrite(name, data);
      content ||= saysContent(data, (said) => said);
      unread.add(data);
      return `event: ${name}\ndata: ${data}\n\n`;
    },
    hasContent() {
      return content;
    },
    end: () => "",
    isComplete() {
      return last !== undefined;
    },
    facts,
    document(moments) {
      if (!asked.keepResponse) return { body: new Uint8Array(), truncated: false };
      if (last !== undefined) {
        const text = JSON.stringify(last);
        if (text.length <= maxText * 2) return { body: Buffer.from(text), truncated: false };
      }
      // It broke off, or is too long to keep: what was delivered, as far as it is kept.
      const { usage } = facts();
      const request = asObject(parseJson(Buffer.from(asked.body).toString())) ?? {};
      const head = { id: responseId, createdUnixS: asked.createdUnixS, model: model || asked.upstreamModel };
      const latency = latencyCheckpoint(moments, Number(outputTokensOf(usage)));
      const response = writeResponse(request, fold.answer(), head, { usage, latency });
      return writeDocument(response, fold.truncated());
    },
    contentChunks() {
      unread.takeIn();
      return fold.contentSteps();
    },
  };
}
