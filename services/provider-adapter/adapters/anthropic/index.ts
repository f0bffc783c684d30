import { messageEvents } from "../../modules/chat/anthropic-messages/as-events.ts";
import { messagesFormat } from "../../modules/chat/anthropic-messages/format-name.ts";
import { type MessagesVendor, messagesPassthrough } from "../../modules/chat/anthropic-messages/passthrough.ts";
import { readMessage } from "../../modules/chat/anthropic-messages/read-answer.ts";
import { readMessageStream } from "../../modules/chat/anthropic-messages/read-stream.ts";
import { withCustomTools } from "../../modules/chat/neutral/custom-tools.ts";
import { withFitLabels } from "../../modules/chat/neutral/fit-labels.ts";
import { withFitProperties } from "../../modules/chat/neutral/fit-properties.ts";
import type { UpstreamFormat } from "../../modules/chat/neutral/formats.ts";
import type { Adapter } from "../adapter.ts";
import { idOf, modelList } from "../model-list.ts";
import { countTranslations, translations } from "../translations.ts";
import { writeMessagesRequest } from "./chat/write-request.ts";
import { controlPatch, premiumPatch } from "./control.ts";
import { countRequest, passCount } from "./count-tokens.ts";
import { inBandFailure, messagesFailure } from "./errors.ts";
import { type MessagesFlavour, readFlavour } from "./flavour.ts";
import { messagesLabelFits, propertyFit } from "./labels.ts";
import { generationOf } from "./models.ts";

/** Anthropic, and every vendor that speaks its format. */
export const anthropicAdapter: Adapter = {
  open(flavourJson) {
    const flavour = readFlavour(flavourJson);
    const format = formatOf(flavour);
    const vendor: MessagesVendor = {
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
    return {
      sign: (credential) =>
        flavour.authHeader === "authorization"
          ? { authorization: `Bearer ${credential}` }
          : { [flavour.authHeader]: credential },
      requestIdHeaders: ["request-id"],
      exchanges: { ...translations(format), [messagesFormat]: (asked) => messagesPassthrough(asked, vendor) },
      ...(flavour.countPath === ""
        ? {}
        : {
            counts: {
              ...countTranslations(format, (message) => countRequest(message, flavour)),
              [messagesFormat]: (asked) => passCount(asked, flavour, vendor),
            },
          }),
      list: modelList(
        `${flavour.path.replace(/\/messages$/, "/models")}?limit=1000`,
        { "anthropic-version": flavour.version },
        "data",
        idOf,
      ),
      failure: messagesFailure,
    };
  },
};

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
