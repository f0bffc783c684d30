import { errorIn } from "../../../domain/error-in-answer.ts";
import type { Asked, Exchange } from "../../../domain/exchange.ts";
import { endpointPath, type OpenaiFlavour } from "../../../domain/flavour.ts";
import { noAudio, readSpeech } from "../../../modules/audio/speech.ts";
import { createSpeechBytes } from "../../../modules/audio/speech-bytes.ts";
import { createSpeechEvents } from "../../../modules/audio/speech-events.ts";
import { asObject, parseJson } from "../../../wire/json.ts";
import { patchJson } from "../../../wire/patch-json.ts";

/** Speech of OpenAI and of those that speak its format: the body goes on but for the model's name, the audio as it comes. */
export function speechExchange(asked: Asked, flavour: OpenaiFlavour): Exchange {
  const request = readSpeech(asked);
  return {
    message: {
      path: endpointPath(flavour, asked.upstreamModel, "audio/speech"),
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
    ...(asked.stream ? {} : { bytes: (head) => createSpeechBytes(asked, request, head) }),
  };
}
