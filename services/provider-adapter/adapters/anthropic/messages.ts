import type { Asked, Exchange } from "../../domain/exchange.ts";
import { messageEvents } from "../../modules/chat/anthropic-messages/as-events.ts";
import { messagesFormat } from "../../modules/chat/anthropic-messages/format-name.ts";
import { type MessagesVendor, messagesPassthrough } from "../../modules/chat/anthropic-messages/passthrough.ts";
import { readMessage } from "../../modules/chat/anthropic-messages/read-answer.ts";
import { readMessageStream } from "../../modules/chat/anthropic-messages/read-stream.ts";
import { withCustomTools } from "../../modules/chat/neutral/custom-tools.ts";
import { withFitLabels } from "../../modules/chat/neutral/fit-labels.ts";
import { withFitProperties } from "../../modules/chat/neutral/fit-properties.ts";
import type { UpstreamFormat } from "../../modules/chat/neutral/formats.ts";
import type { TokenCount } from "../adapter.ts";
import { countTranslations, translations } from "../translations.ts";
import { writeMessagesRequest } from "./chat/write-request.ts";
import { controlPatch, premiumPatch } from "./control.ts";
import { countRequest, passCount } from "./count-tokens.ts";
import { inBandFailure } from "./errors.ts";
import type { MessagesFlavour } from "./flavour.ts";
import { messagesLabelFits, propertyFit } from "./labels.ts";
import { generationOf } from "./models.ts";

/** The exchanges of chats, wherever the vendor's models are served. */
export function messagesExchanges(flavour: MessagesFlavour): Record<string, (asked: Asked) => Exchange> {
  const vendor = vendorOf(flavour);
  return { ...translations(formatOf(flavour)), [messagesFormat]: (asked) => messagesPassthrough(asked, vendor) };
}

/** The counts of their input tokens. */
export function messagesCounts(flavour: MessagesFlavour): Record<string, (asked: Asked) => TokenCount> {
  const vendor = vendorOf(flavour);
  return {
    ...countTranslations(formatOf(flavour), (message) => countRequest(message, flavour)),
    [messagesFormat]: (asked) => passCount(asked, flavour, vendor),
  };
}

function vendorOf(flavour: MessagesFlavour): MessagesVendor {
  return {
    path: flavour.path,
    controlPatch: (asked, note) => ({
      ...premiumPatch(asked, flavour, note),
      ...controlPatch(asked, flavour, note),
    }),
    headers: (given) => headersOf(given, flavour),
    labels: messagesLabelFits,
    streamError: inBandFailure,
    takesSystemTurns: (upstreamModel) => generationOf(flavour.like ?? upstreamModel).systemTurns,
  };
}

function formatOf(flavour: MessagesFlavour): UpstreamFormat {
  return {
    name: messagesFormat,
    open: () =>
      withFitLabels(
        withFitProperties(
          withCustomTools({
            write: (request, context) => writeMessagesRequest(request, context, flavour),
            read: (body) => readMessage(body, inBandFailure),
            stream: () => readMessageStream(inBandFailure),
            events: messageEvents,
          }),
          propertyFit,
        ),
        messagesLabelFits,
      ),
  };
}

/** The version of the format that the client speaks, and the previews that it asks for. */
function headersOf(
  given: Readonly<Record<string, string>>,
  { version }: MessagesFlavour,
): Readonly<Record<string, string>> {
  const beta = given["anthropic-beta"];
  return {
    "anthropic-version": given["anthropic-version"] || version,
    ...(beta === undefined || beta === "" ? {} : { "anthropic-beta": beta }),
  };
}
