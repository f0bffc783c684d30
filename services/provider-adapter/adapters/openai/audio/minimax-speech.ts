import { cleanMessage } from "../../../domain/clean-message.ts";
import type { OpenaiFlavour } from "../../../domain/flavour.ts";
import { noteUnknownFields } from "../../../domain/notes.ts";
import {
  formatIn,
  noteInstructions,
  speedIn,
  type Voices,
  voiceIn,
  withVoices,
} from "../../../modules/audio/choices.ts";
import type { SpeechFormat } from "../../../modules/audio/speech-format.ts";
import { asObject, asString, countOf, type JsonObject } from "../../../wire/json.ts";
import { failureOf } from "../../failures.ts";
import { minimaxMeanings } from "../minimax-meanings.ts";
import type { PlaceOfAudio } from "./place.ts";

/** Voices of the system (platform.minimax.io, "System Voice ID List") that stand for OpenAI's. */
const voices: Voices = {
  named: {
    alloy: "English_CalmWoman",
    ash: "English_Trustworth_Man",
    ballad: "English_Gentle-voiced_man",
    coral: "English_Upbeat_Woman",
    echo: "English_Diligent_Man",
    fable: "English_CaptivatingStoryteller",
    onyx: "English_ManWithDeepVoice",
    nova: "English_radiant_girl",
    sage: "English_Wiselady",
    shimmer: "English_Graceful_Lady",
    verse: "English_expressive_narrator",
    marin: "English_Soft-spokenGirl",
    cedar: "English_magnetic_voiced_man",
  },
  // IDs of one's own voices have 8 characters or more and begin with a letter; those of the system have a mark in them.
  own: /^[A-Za-z][\w ()-]{7,255}$/,
};

/** Formats of a stream. The head of a WAV file is ours: the vendor has that format outside of streams alone. */
const formats = {
  mp3: { format: "mp3", sample_rate: 32_000, bitrate: 128_000, channel: 1 },
  wav: { format: "pcm", sample_rate: 24_000, channel: 1 },
  pcm: { format: "pcm", sample_rate: 24_000, channel: 1 },
  flac: { format: "flac", sample_rate: 32_000, channel: 1 },
} as const;

/** Fields beside OpenAI's that the vendor knows. */
const known: ReadonlySet<string> = new Set([
  "language_boost",
  "pronunciation_dict",
  "timbre_weights",
  "voice_modify",
  "text_normalization",
]);

/** Those that are about the voice. */
const voiceCodes: ReadonlySet<number> = new Set([2042, 2054]);

/** MiniMax's t2a_v2, as a stream: audio in hex, and errors inside a 200. */
export function minimaxSpeech(flavour: OpenaiFlavour, placeOf: PlaceOfAudio): SpeechFormat {
  const knownVoices = withVoices(voices, flavour.voices);
  return {
    write(request, model, note) {
      noteInstructions(request, note);
      noteUnknownFields(request.others, known, note);
      const { format, made } = formatIn(request, formats, note);
      const body = {
        ...Object.fromEntries(Object.entries(request.others).filter(([name]) => known.has(name))),
        model,
        text: request.input,
        stream: true,
        // The last event would hold all of it again.
        stream_options: { exclude_aggregated_audio: true },
        voice_setting: { voice_id: voiceIn(request, knownVoices), speed: speedIn(request, 0.5, 2), vol: 1, pitch: 0 },
        audio_setting: made,
        output_format: "hex",
      };
      const message = {
        ...placeOf("/t2a_v2"),
        headers: {},
        accept: "text/event-stream",
        body: Buffer.from(JSON.stringify(body)),
      };
      return { message, format, headed: format === "wav" };
    },
    read(json) {
      const id = asString(json.trace_id);
      failOn(json, id);
      const data = asObject(json.data) ?? {};
      const isLast = data.status === 2;
      return {
        audio: Buffer.from(asString(data.audio) ?? "", "hex"),
        isAll: isLast,
        isLast,
        id,
        counts: { characters: countOf(asObject(json.extra_info)?.usage_characters) },
      };
    },
  };
}

/** Throws what the answer says went wrong. */
function failOn(json: JsonObject, upstreamRequestId: string | undefined): void {
  const { status_code: code = 0, status_msg: said } = asObject(json.base_resp) ?? {};
  if (code === 0) return;
  const meaning = (typeof code === "number" && minimaxMeanings[code]) || "failed";
  const param = typeof code === "number" && voiceCodes.has(code) ? "voice" : undefined;
  throw failureOf(meaning, { said: cleanMessage(asString(said) ?? ""), param, upstreamRequestId }).error;
}
