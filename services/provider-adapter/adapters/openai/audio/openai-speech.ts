import { errorIn } from "../../../domain/error-in-answer.ts";
import type { Asked, Exchange, UpstreamMessage } from "../../../domain/exchange.ts";
import type { OpenaiFlavour } from "../../../domain/flavour.ts";
import { noAudio, readSpeech } from "../../../modules/audio/speech.ts";
import { createSpeechBytes } from "../../../modules/audio/speech-bytes.ts";
import { createSpeechEvents } from "../../../modules/audio/speech-events.ts";
import { createSpoken } from "../../../modules/audio/spoken.ts";
import { asObject, parseJson } from "../../../wire/json.ts";
import { patchJson } from "../../../wire/patch-json.ts";

/** Speech of OpenAI and of those that speak its format: the body goes on but for the model's name, the audio as it comes. */
export function openaiSpeech(
  asked: Asked,
  flavour: OpenaiFlavour,
  place: Pick<UpstreamMessage, "path" | "base">,
): Exchange {
  const request = readSpeech(asked);
  return {
    message: {
      ...place,
      headers: {},
      ...(asked.stream ? {} : { accept: "audio/*, application/octet-stream" }),
      body: patchJson(asked.body, { model: JSON.stringify(asked.upstreamModel) }),
    },
    notes: [],
    whole(body) {
      const error = errorIn(asObject(parseJson(body.toString())) ?? {});
      throw error === undefined ? noAudio() : flavour.streamError(error);
    },
    stream: () => createSpeechEvents(asked, request, flavour.streamError),
    bytes(head) {
      if (!asked.stream) return createSpeechBytes(asked, request, head);
      // tts-1 and many compatible servers know no events: theirs are made here.
      return isAudio.test(head.contentType)
        ? createSpoken(asked, request, noDocuments, { format: request.format, headed: false }, head)
        : undefined;
    },
  };
}

const isAudio = /^(audio\/|application\/(octet-stream|ogg))/i;

const noDocuments = {
  read() {
    throw noAudio();
  },
};
