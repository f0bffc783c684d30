import { ThroughlineError } from "../../../../shared/errors/error.ts";
import { estimateTextTokens } from "../../../../shared/estimate/text.ts";
import { type BillableUsage, outputTokensOf } from "../../../../shared/money/usage.ts";
import { shorten } from "../../../../shared/shorten.ts";
import type { AnswerFacts, Asked, Exchange, StreamTranslation } from "../../domain/exchange.ts";
import { estimatedInput } from "../../domain/input-estimate.ts";
import { latencyCheckpoint, type Moments } from "../../domain/latency.ts";
import { createNotes } from "../../domain/notes.ts";
import { isTooDeep, writeDocument } from "../../wire/too-deep.ts";
import { isContent } from "./neutral/content.ts";
import { withControl } from "./neutral/control.ts";
import { deliveredBy } from "./neutral/delivered.ts";
import type { NeutralEvent } from "./neutral/events.ts";
import { createAnswerFold } from "./neutral/fold.ts";
import { withoutForeignTools } from "./neutral/foreign-tools.ts";
import type { AnswerEnd, ClientDialect, ClientExchange, UpstreamFormat, UpstreamStream } from "./neutral/formats.ts";
import { usageOf } from "./neutral/usage.ts";
import { withinCeiling } from "./output-ceiling.ts";
import { maxKeptText } from "./unread.ts";

/** Longest ID of an upstream, in characters. */
const maxIdLength = 256;

/** Exchanges between a client's dialect and another upstream format, by way of the neutral representation. */
export function translate(dialect: ClientDialect, format: UpstreamFormat): (asked: Asked) => Exchange {
  return (asked) => {
    const notes = createNotes();
    const { note } = notes;
    const messageId = dialect.messageId(asked.requestId);
    const upstream = format.open({ upstreamModel: asked.upstreamModel });
    const { client, message } = withinStack(() => {
      const opened = dialect.open(asked, note);
      const wanted = withinCeiling(withControl(opened.request, asked.control), asked, note);
      const request = withoutForeignTools(wanted, format.name, note);
      const written = upstream.write(request, {
        upstreamModel: asked.upstreamModel,
        stream: asked.stream,
        headers: asked.headers,
        prices: asked.prices,
        note,
      });
      return { client: opened, message: written };
    });
    return {
      message,
      notes: notes.list(),
      whole(body, moments) {
        const answer = upstream.read(body);
        const usage = usageOf(answer.usage, false, {
          asked,
          input: () => estimatedInput(asked),
          delivered: () => deliveredBy(answer),
        });
        const head = {
          id: messageId,
          createdUnixS: asked.createdUnixS,
          model: answer.model || asked.upstreamModel,
        };
        const value = client.whole(answer, head, endOf(usage, moments));
        return {
          body: Buffer.from(JSON.stringify(value)),
          usage,
          finishReason: client.finishReason(answer),
          messageId,
          responseModel: answer.model,
          upstreamRequestId: idOf(answer.upstreamId),
        };
      },
      stream: () => translateStream(client, messageId, upstream.stream(), asked, asked.keepResponse ? maxKeptText : 0),
      ...(upstream.events === undefined ? {} : { events: upstream.events }),
      ...(format.framing === undefined ? {} : { framing: format.framing }),
      gathered: () =>
        translateStream(
          client,
          messageId,
          upstream.stream(),
          { ...asked, keepResponse: true },
          Number.POSITIVE_INFINITY,
        ),
    };
  };
}

/** A body that is nested too deeply is a request that cannot be translated, not a fault that may pass when it is sent again. */
function withinStack<T>(work: () => T): T {
  try {
    return work();
  } catch (cause) {
    if (!isTooDeep(cause)) throw cause;
    throw new ThroughlineError("invalid_value", "The request is nested too deeply for this model.", { cause });
  }
}

function translateStream(
  client: ClientExchange,
  messageId: string,
  source: UpstreamStream,
  asked: Asked,
  maxText: number,
): StreamTranslation {
  const fold = createAnswerFold(estimateTextTokens, maxText);
  const sink = client.stream({ id: messageId, createdUnixS: asked.createdUnixS, usageSoFar });
  let text = "";
  let started = false;
  let content = false;
  let upstreamId: string | undefined;

  const usage = () =>
    usageOf(fold.usage(), fold.partialUsage(), {
      asked,
      input: () => estimatedInput(asked),
      delivered: fold.delivered,
    });

  /** As the answer begins. What was delivered is not counted yet: pieces of a text make more tokens than the whole. */
  function usageSoFar(): BillableUsage {
    const nothing = { visible: 0, thinking: 0 };
    return usageOf(fold.usage(), false, { asked, input: () => estimatedInput(asked), delivered: () => nothing });
  }

  function facts(): AnswerFacts {
    return {
      usage: usage(),
      finishReason: client.finishReason(fold.answer()),
      messageId,
      responseModel: fold.model(),
      upstreamRequestId: upstreamId,
    };
  }

  return {
    event(event) {
      text = "";
      let holds = false;
      // All of an event is read before any of it is written: what clients are told first has the counts that come with it.
      const steps: NeutralEvent[] = [];
      source.read(event, (step) => {
        fold.add(step);
        if (step.type !== "usage") steps.push(step);
      });
      for (const step of steps) {
        holds ||= isContent(step);
        if (!started) {
          // The opening that clients expect is written where the upstream left it out: without it they cannot read the rest.
          started = true;
          const begun = step.type === "start" ? step : undefined;
          upstreamId = idOf(begun?.upstreamId);
          text += sink.write({ type: "start", model: begun?.model || asked.upstreamModel });
        }
        if (step.type !== "start") text += sink.write(step);
      }
      // An event that breaks gives nothing to the client, whatever it began with.
      content ||= holds;
      return text;
    },
    hasContent() {
      return content;
    },
    end: (moments) => sink.end(endOf(usage(), moments)),
    isComplete() {
      return started && source.isComplete();
    },
    facts,
    document(moments) {
      if (!asked.keepResponse) return { body: new Uint8Array(), truncated: false };
      const head = { id: messageId, createdUnixS: asked.createdUnixS, model: fold.model() || asked.upstreamModel };
      const value = client.whole(fold.answer(), head, endOf(usage(), moments));
      return writeDocument(value, fold.truncated());
    },
    contentChunks() {
      return fold.contentSteps();
    },
    upstreamRequestId() {
      return upstreamId;
    },
  };
}

/** An upstream's name of a request, as short as its headers may give one. */
function idOf(upstreamId: string | undefined): string | undefined {
  return upstreamId === undefined ? undefined : shorten(upstreamId, maxIdLength);
}

function endOf(usage: BillableUsage, moments: Moments): AnswerEnd {
  return { usage, latency: latencyCheckpoint(moments, Number(outputTokensOf(usage))) };
}
