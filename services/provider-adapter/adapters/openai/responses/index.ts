import type { FlavourOf } from "../../../domain/flavour.ts";
import { withFitLabels } from "../../../modules/chat/neutral/fit-labels.ts";
import type { UpstreamExchange, UpstreamFormat } from "../../../modules/chat/neutral/formats.ts";
import { responseEvents } from "../../../modules/chat/openai-responses/as-events.ts";
import { responsesFormat } from "../../../modules/chat/openai-responses/format-name.ts";
import { responsesLabelFits } from "../../../modules/chat/openai-responses/passthrough.ts";
import { readResponse } from "./read-answer.ts";
import { readResponseStream } from "./read-stream.ts";
import { writeResponsesRequest } from "./write-request.ts";

/** OpenAI's responses as an upstream speaks them: for models that do not speak chat. */
export function responsesUpstreamFormat(flavourOf: FlavourOf): UpstreamFormat {
  return {
    name: responsesFormat,
    open({ upstreamModel }) {
      const flavour = flavourOf(upstreamModel);
      /** What was sent: the reader of the usage looks for containers in it. */
      let sent: Uint8Array = new Uint8Array();
      const exchange: UpstreamExchange = {
        write(request, context) {
          const message = writeResponsesRequest(request, context, flavour);
          sent = message.body;
          return message;
        },
        read: (body) => readResponse(body, sent, flavour),
        stream: () => readResponseStream(sent, flavour),
        events: responseEvents,
      };
      return withFitLabels(exchange, responsesLabelFits(flavour));
    },
  };
}
