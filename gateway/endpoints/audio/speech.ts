import { speechBound } from "../../../shared/estimate/speech.ts";
import { estimateTextTokens } from "../../../shared/estimate/text.ts";
import { Module, Unit } from "../../../shared/gen/throughline/common/v1/common_pb.ts";
import { noUsage } from "../../../shared/money/usage.ts";
import { openaiInBandError } from "../../answers/in-band-errors.ts";
import { reservedInputTokens } from "../../domain/worst-case.ts";
import type { Demand } from "../../story/demand.ts";
import type { Endpoint } from "../paid-endpoint.ts";
import { type SpeechBody, speechBody } from "./schemas.ts";

/** POST /v1/audio/speech: a text is spoken; bytes as they come, or events. */
export const speech: Endpoint<typeof speechBody> = {
  paths: ["/v1/audio/speech"],
  module: Module.AUDIO,
  dialect: "openai.speech",
  body: speechBody,
  inBandError: openaiInBandError,
  keepsAnswer: false,
  read: speechDemand,
};

function speechDemand({ model, input, instructions, speed, stream_format: format }: SpeechBody): Demand {
  const inputTokens = estimateTextTokens(input) + estimateTextTokens(instructions ?? "");
  return {
    model,
    answer: format === "sse" ? "events" : "bytes",
    includeUsage: true,
    needs: { inputTokens, maxOutputTokens: 0, capabilities: ["speech"] },
    headers: {},
    affinity: "",
    worst() {
      const { characters, tokens, durationMs } = speechBound(input, speed ?? 1);
      return {
        ...noUsage,
        inputTokens: BigInt(reservedInputTokens(inputTokens)),
        characters: BigInt(characters),
        more: [
          { unit: Unit.OUTPUT_AUDIO_TOKENS, amount: BigInt(tokens) },
          { unit: Unit.OUTPUT_AUDIO_MS, amount: BigInt(durationMs) },
        ],
      };
    },
    // The vendor limits the length of a text, in characters and not in tokens.
    refuses: () => undefined,
  };
}
