import { speechDialect, speechExchangeOf } from "../../modules/audio/speech-exchange.ts";
import { transcriptionExchanges } from "../../modules/audio/transcription.ts";
import type { Adapter } from "../adapter.ts";
import { elevenLabsFailure } from "./errors.ts";
import { readFlavour } from "./flavour.ts";
import { elevenLabsSpeech } from "./speech/index.ts";
import { elevenLabsTranscription } from "./transcription/index.ts";

/** ElevenLabs, and whoever speaks its formats. The base URL ends before the version. */
export const elevenLabsAdapter: Adapter = {
  open(flavourJson) {
    const flavour = readFlavour(flavourJson);
    const { authHeader } = flavour;
    const speech = elevenLabsSpeech(flavour);
    return {
      sign: (credential) =>
        authHeader === "authorization" ? { authorization: `Bearer ${credential}` } : { [authHeader]: credential },
      requestIdHeaders: ["request-id", "x-request-id"],
      exchanges: {
        [speechDialect]: (asked) => speechExchangeOf(asked, speech),
        ...transcriptionExchanges(() => elevenLabsTranscription(flavour), ["transcribe"]),
      },
      failure: elevenLabsFailure,
    };
  },
};
