import { noteUnknownFields } from "../../../domain/notes.ts";
import {
  formatIn,
  noteInstructions,
  speedIn,
  type Voices,
  voiceIn,
  withVoices,
} from "../../../modules/audio/choices.ts";
import { noAudio } from "../../../modules/audio/speech.ts";
import type { SpeechFormat } from "../../../modules/audio/speech-format.ts";
import { asObject } from "../../../wire/json.ts";
import { pathSegment } from "../../../wire/path-segment.ts";
import { elevenLabsInBand, errorIn } from "../errors.ts";
import type { ElevenLabsFlavour } from "../flavour.ts";

/** Voices that every account has (elevenlabs.io/docs, "Default voices"), by the names of OpenAI's that they stand for and by their own. */
const voices: Voices = {
  named: {
    alloy: "SAz9YHcvj6GT2YYXdXww",
    ash: "iP95p4xoKVk53GoZ742B",
    ballad: "JBFqnCBsd6RMkjVDRZzb",
    coral: "cgSgspJ2msm6clMCkdW9",
    echo: "TX3LPaxmHKxFdv7VOQHJ",
    fable: "onwK4e9ZLuTAKqWW03F9",
    onyx: "nPczCjzI2devNBz1zQrb",
    nova: "EXAVITQu4vr4xnSDxMaL",
    sage: "XrExE9yKIg1WjnnlVkGX",
    shimmer: "pFZP5JQG7iQjIQuC4Bku",
    verse: "bIHbv24MWmeRgasZH58o",
    marin: "Xb7hH8MSUJpSbSDYk0k2",
    cedar: "pqHfZKP75CvOlQylNhV4",
    river: "SAz9YHcvj6GT2YYXdXww",
    chris: "iP95p4xoKVk53GoZ742B",
    george: "JBFqnCBsd6RMkjVDRZzb",
    jessica: "cgSgspJ2msm6clMCkdW9",
    liam: "TX3LPaxmHKxFdv7VOQHJ",
    daniel: "onwK4e9ZLuTAKqWW03F9",
    brian: "nPczCjzI2devNBz1zQrb",
    sarah: "EXAVITQu4vr4xnSDxMaL",
    matilda: "XrExE9yKIg1WjnnlVkGX",
    lily: "pFZP5JQG7iQjIQuC4Bku",
    will: "bIHbv24MWmeRgasZH58o",
    alice: "Xb7hH8MSUJpSbSDYk0k2",
    bill: "pqHfZKP75CvOlQylNhV4",
  },
  own: /^[A-Za-z0-9]{20}$/,
};

/** The vendor's names of the formats. The head of a WAV file is ours. */
const formats = { mp3: "mp3_44100_128", wav: "pcm_24000", pcm: "pcm_24000", opus: "opus_48000_128" } as const;

/** Fields beside OpenAI's that the vendor knows. */
const known: ReadonlySet<string> = new Set([
  "voice_settings",
  "language_code",
  "seed",
  "previous_text",
  "next_text",
  "apply_text_normalization",
  "pronunciation_dictionary_locators",
]);

/** Speech of ElevenLabs: bytes as they come. */
export function elevenLabsSpeech(flavour: ElevenLabsFlavour): SpeechFormat {
  const knownVoices = withVoices(voices, flavour.voices);
  return {
    write(request, model, note) {
      noteInstructions(request, note);
      noteUnknownFields(request.others, known, note);
      const voice = voiceIn(request, knownVoices);
      const { format, made } = formatIn(request, formats, note);
      const speed = speedIn(request, 0.7, 1.2);
      const others = Object.fromEntries(Object.entries(request.others).filter(([name]) => known.has(name)));
      const settings = { ...asObject(others.voice_settings), ...(speed === 1 ? {} : { speed }) };
      const body = {
        ...others,
        text: request.input,
        model_id: model,
        ...(Object.keys(settings).length === 0 ? {} : { voice_settings: settings }),
      };
      const path = flavour.speechPath.replaceAll("{voice}", pathSegment(voice, "voice"));
      const message = {
        path: `${path}${path.includes("?") ? "&" : "?"}output_format=${made}`,
        headers: {},
        accept: "audio/*, application/octet-stream",
        body: Buffer.from(JSON.stringify(body)),
      };
      return { message, format, headed: format === "wav" };
    },
    read(json) {
      const error = errorIn(json);
      throw error === undefined ? noAudio() : elevenLabsInBand(error);
    },
  };
}
