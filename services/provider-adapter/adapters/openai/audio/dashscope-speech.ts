import { errorIn } from "../../../domain/error-in-answer.ts";
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
import type { PlaceOfAudio } from "./place.ts";

/** Voices of the Qwen TTS models that stand for OpenAI's, and the vendor's own by their names. */
const voices: Voices = {
  named: {
    alloy: "Cherry",
    ash: "Ethan",
    ballad: "Ryan",
    coral: "Jennifer",
    echo: "Elias",
    fable: "Nofish",
    onyx: "Marcus",
    nova: "Serena",
    sage: "Katerina",
    shimmer: "Chelsie",
    verse: "Roy",
    marin: "Sunny",
    cedar: "Peter",
  },
  // Names of the vendor begin with a capital letter; those of one's own voices with the model that they were made with.
  own: /^([A-Z][A-Za-z]{1,30}|qwen[\w.-]{1,250}|cosyvoice[\w.-]{1,250})$/,
};

/** A stream has samples alone; the head of a WAV file is ours. */
const formats = { wav: true, pcm: false } as const;

/** Fields beside OpenAI's that the vendor knows. */
const known: ReadonlySet<string> = new Set(["language_type"]);

/** The place of what the compatible mode does not have. */
const path = "/services/aigc/multimodal-generation/generation";

/** DashScope's Qwen TTS, as a stream: without one its answer is an address where the audio can be fetched. */
export function dashscopeSpeech(flavour: OpenaiFlavour, placeOf: PlaceOfAudio): SpeechFormat {
  const knownVoices = withVoices(voices, flavour.voices);
  return {
    write(request, model, note) {
      noteUnknownFields(request.others, known, note);
      const follows = model.includes("instruct");
      if (!follows) noteInstructions(request, note);
      const { format, made } = formatIn(request, formats, note);
      speedIn(request, 1, 1);
      const { instructions, others } = request;
      const input = {
        text: request.input,
        voice: voiceIn(request, knownVoices),
        ...(follows && instructions !== "" ? { instructions } : {}),
        ...(typeof others.language_type === "string" ? { language_type: others.language_type } : {}),
      };
      const message = {
        ...placeOf(path, ["compatible-mode/v1", "api/v1"]),
        headers: { "x-dashscope-sse": "enable" },
        accept: "text/event-stream",
        body: Buffer.from(JSON.stringify({ model, input })),
      };
      return { message, format, headed: made };
    },
    read(json) {
      failOn(json, flavour);
      const output = asObject(json.output) ?? {};
      const audio = asString(asObject(output.audio)?.data) ?? "";
      return {
        audio: withoutHead(Buffer.from(audio, "base64")),
        isLast: output.finish_reason === "stop",
        id: asString(json.request_id),
        counts: countsIn(asObject(json.usage) ?? {}),
      };
    },
  };
}

/** Throws what the answer says went wrong: errors are flat. */
function failOn(json: JsonObject, flavour: OpenaiFlavour): void {
  const error = errorIn(json) ?? (json.output === undefined && typeof json.code === "string" ? json : undefined);
  if (error !== undefined) throw flavour.streamError(error);
}

/** Some models put the head of a WAV file before their samples. */
function withoutHead(audio: Buffer): Buffer {
  return audio.toString("latin1", 0, 4) === "RIFF" ? audio.subarray(44) : audio;
}

/** The counts that each event gives so far. Newer models count characters, older ones tokens. */
function countsIn(usage: JsonObject) {
  const { text_tokens: text } = asObject(usage.input_tokens_details) ?? {};
  const { audio_tokens: audio } = asObject(usage.output_tokens_details) ?? {};
  return {
    characters: countOf(usage.characters),
    inputTokens: countOf(text) ?? countOf(usage.input_tokens),
    audioTokens: countOf(audio) ?? countOf(usage.output_tokens),
  };
}
