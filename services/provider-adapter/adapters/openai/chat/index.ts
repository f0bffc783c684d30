import type { FlavourOf } from "../../../domain/flavour.ts";
import { withCustomTools } from "../../../modules/chat/neutral/custom-tools.ts";
import { withFitLabels } from "../../../modules/chat/neutral/fit-labels.ts";
import type { UpstreamExchange, UpstreamFormat } from "../../../modules/chat/neutral/formats.ts";
import { completionEvents } from "../../../modules/chat/openai-chat/as-events.ts";
import { readChatAnswer } from "./read-answer.ts";
import { readChatStream } from "./read-stream.ts";
import { writeChatRequest } from "./write-request.ts";

/** OpenAI's chat completions as an upstream speaks them, in a vendor's flavour. */
export function chatCompletionsFormat(flavourOf: FlavourOf): UpstreamFormat {
  return {
    name: "openai.chat",
    open({ upstreamModel }) {
      const flavour = flavourOf(upstreamModel);
      const exchange: UpstreamExchange = {
        write: (request, context) => writeChatRequest(request, context, flavour),
        read: (body) => readChatAnswer(body, flavour),
        stream: () => readChatStream(flavour),
        events: completionEvents,
      };
      return withFitLabels(flavour.customTools ? exchange : withCustomTools(exchange), flavour.labels);
    },
  };
}
