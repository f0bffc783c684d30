import { createLabelFit } from "../../../domain/label-rule.ts";
import { messagesFormat } from "../../../modules/chat/anthropic-messages/format-name.ts";
import { withCustomTools } from "../../../modules/chat/neutral/custom-tools.ts";
import { type LabelFits, withFitLabels } from "../../../modules/chat/neutral/fit-labels.ts";
import { withFitProperties } from "../../../modules/chat/neutral/fit-properties.ts";
import type { UpstreamFormat } from "../../../modules/chat/neutral/formats.ts";
import { awsFraming } from "../../../wire/frame-feed.ts";
import { propertyFit } from "../../anthropic/labels.ts";
import type { BedrockFlavour } from "../flavour.ts";
import { converseFormatName } from "../format-name.ts";
import { familyOf } from "../models.ts";
import { converseEvents } from "./as-events.ts";
import { readConverse } from "./read-answer.ts";
import { readConverseStream } from "./read-stream.ts";
import { writeConverseRequest } from "./write-request.ts";

/** How the vendor takes names of tools and IDs of calls (docs.aws.amazon.com: ToolSpecification, ToolUseBlock). */
const label = createLabelFit({ maxLength: 64, minLength: 1, characters: "a-zA-Z0-9_-", first: "" });
const labelFits: LabelFits = { names: label, callIds: label };

/** Converse and ConverseStream as an upstream format. */
export function converseFormat(flavour: BedrockFlavour): UpstreamFormat {
  return {
    name: converseFormatName,
    framing: awsFraming,
    open({ upstreamModel }) {
      // Claude's signatures hold on every platform, so a conversation can go on at any of them.
      const origin = familyOf(flavour.like ?? upstreamModel).claude === undefined ? converseFormatName : messagesFormat;
      const exchange = withCustomTools({
        write: (request, context) => writeConverseRequest(request, context, flavour, origin),
        read: (body) => readConverse(body, origin),
        stream: () => readConverseStream(origin),
        events: converseEvents,
      });
      return withFitLabels(withFitProperties(exchange, propertyFit), labelFits);
    },
  };
}
