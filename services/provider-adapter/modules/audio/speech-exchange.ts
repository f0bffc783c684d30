import type { Asked, Exchange, UpstreamEvent } from "../../domain/exchange.ts";
import { createNotes } from "../../domain/notes.ts";
import { asObject, parseJson } from "../../wire/json.ts";
import { usualSampleRate, wavHead } from "../../wire/wav-head.ts";
import { createHeard } from "./heard.ts";
import { contentTypeOf, noAudio, readSpeech, speechUsage } from "./speech.ts";
import { createSpeechEvents } from "./speech-events.ts";
import type { SpeechFormat, Spoken } from "./speech-format.ts";
import { createSpoken } from "./spoken.ts";

/** The dialect of clients that want speech. */
export const speechDialect = "openai.speech";

/** An exchange between OpenAI's speech and another format: as the upstream answers, in bytes, in events or whole. */
export function speechExchangeOf(asked: Asked, format: SpeechFormat): Exchange {
  const { note, list } = createNotes();
  const request = readSpeech(asked);
  const made = format.write(request, asked.upstreamModel, note);
  // The client's events are made here, so what they say of the format is what is made.
  const audioType = contentTypeOf(made.format);
  /** The vendor's name of a request whose whole answer was given as events. */
  let id = "";

  /** The audio of a whole document. */
  function spokenIn(body: Buffer): Spoken & { readonly audio: Uint8Array } {
    const json = asObject(parseJson(body.toString()));
    if (json === undefined) throw noAudio();
    const spoken = format.read(json);
    if (spoken.audio === undefined || spoken.audio.length === 0) throw noAudio();
    const { audio, sampleRate = usualSampleRate } = spoken;
    return { ...spoken, audio: made.headed ? Buffer.concat([wavHead(sampleRate, audio.length), audio]) : audio };
  }

  return {
    message: made.message,
    notes: list(),
    whole(body) {
      const { audio, counts = {}, id } = spokenIn(body);
      const heard = createHeard();
      heard.add(audio);
      return {
        body: audio,
        contentType: audioType,
        document: asked.keepResponse ? heard.document(audioType) : nothing,
        usage: speechUsage(asked, request, counts, heard.durationMs(audioType)),
        finishReason: "",
        messageId: "",
        responseModel: "",
        upstreamRequestId: id,
      };
    },
    bytes: (head) => createSpoken(asked, request, format, made, head),
    stream: () => ({
      ...createSpeechEvents(asked, { ...request, format: made.format }, noAudio),
      upstreamRequestId: () => id,
    }),
    events(body) {
      const spoken = spokenIn(body);
      id = spoken.id ?? "";
      return eventsOf(spoken);
    },
  };
}

const nothing = new Uint8Array();

/** A whole speech as the events that the client asked for. */
function eventsOf({ audio, counts = {} }: Spoken & { readonly audio: Uint8Array }): UpstreamEvent[] {
  const { inputTokens, audioTokens } = counts;
  const usage =
    inputTokens === undefined && audioTokens === undefined
      ? {}
      : {
          usage: {
            input_tokens: inputTokens ?? 0,
            output_tokens: audioTokens ?? 0,
            total_tokens: (inputTokens ?? 0) + (audioTokens ?? 0),
          },
        };
  const base64 = Buffer.from(audio.buffer, audio.byteOffset, audio.length).toString("base64");
  return [
    { data: JSON.stringify({ type: "speech.audio.delta", audio: base64 }) },
    { data: JSON.stringify({ type: "speech.audio.done", ...usage }) },
  ];
}
