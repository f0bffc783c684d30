import { anyLabel, createLabelFit } from "../../../domain/label-rule.ts";
import { geminiFormatName } from "../../../modules/chat/gemini/format-name.ts";
import { withCustomTools } from "../../../modules/chat/neutral/custom-tools.ts";
import { type LabelFits, withFitLabels } from "../../../modules/chat/neutral/fit-labels.ts";
import type { UpstreamExchange, UpstreamFormat } from "../../../modules/chat/neutral/formats.ts";
import type { GeminiFlavour } from "../flavour.ts";
import { generationOf } from "../models.ts";
import { geminiEvents } from "./as-events.ts";
import { readGeminiAnswer } from "./read-answer.ts";
import { readGeminiStream } from "./read-stream.ts";
import { writeGeminiRequest } from "./write-request.ts";

/** How the vendor takes names of functions (ai.google.dev/api/caching: FunctionDeclaration); it takes any ID of a call. */
const labelFits: LabelFits = {
  names: createLabelFit({ maxLength: 64, minLength: 1, characters: "a-zA-Z0-9_.-", first: "a-zA-Z_" }),
  callIds: createLabelFit(anyLabel),
};

/** Gemini's generateContent as an upstream format, in a channel's flavour. */
export function geminiFormat(flavour: GeminiFlavour): UpstreamFormat {
  return {
    name: geminiFormatName,
    open: ({ upstreamModel }) => withFitLabels(withCustomTools(open(flavour, upstreamModel)), labelFits),
  };
}

function open(flavour: GeminiFlavour, upstreamModel: string): UpstreamExchange {
  const generation = generationOf(flavour.like ?? upstreamModel);
  let searched = false;
  return {
    write(request, context) {
      searched = request.webSearch !== undefined;
      return writeGeminiRequest(request, context, flavour);
    },
    read: (body) => readGeminiAnswer(body, generation),
    stream: () => readGeminiStream(searched, generation),
    events: geminiEvents,
  };
}
