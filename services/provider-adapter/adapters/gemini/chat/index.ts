import { withCustomTools } from "../../../modules/chat/neutral/custom-tools.ts";
import type { UpstreamExchange, UpstreamFormat } from "../../../modules/chat/neutral/formats.ts";
import type { GeminiFlavour } from "../flavour.ts";
import { readGeminiAnswer } from "./read-answer.ts";
import { readGeminiStream } from "./read-stream.ts";
import { geminiFormatName } from "./write-contents.ts";
import { writeGeminiRequest } from "./write-request.ts";

/** Gemini's generateContent as an upstream format, in a channel's flavour. */
export function geminiFormat(flavour: GeminiFlavour): UpstreamFormat {
  return { name: geminiFormatName, open: () => withCustomTools(open(flavour)) };
}

function open(flavour: GeminiFlavour): UpstreamExchange {
  let searched = false;
  return {
    write(request, context) {
      searched = request.webSearch !== undefined;
      return writeGeminiRequest(request, context, flavour);
    },
    read: readGeminiAnswer,
    stream: () => readGeminiStream(searched),
  };
}
