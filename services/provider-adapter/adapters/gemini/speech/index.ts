import { noteUnknownFields } from "../../../domain/notes.ts";
import { formatIn, speedIn, type Voices, voiceIn, withVoices } from "../../../modules/audio/choices.ts";
import type { SpeechFormat } from "../../../modules/audio/speech-format.ts";
import { asArray, asObject, asString, countOf, type JsonObject } from "../../../wire/json.ts";
import { failureOf } from "../../failures.ts";
import { pathTo } from "../chat/write-request.ts";
import { errorOf, inBandFailure } from "../errors.ts";
import type { GeminiFlavour } from "../flavour.ts";

/** The vendor's voices (ai.google.dev/gemini-api/docs/speech-generation). */
const own = [
  ...["Zephyr", "Puck", "Charon", "Kore", "Fenrir", "Leda", "Orus", "Aoede", "Callirrhoe", "Autonoe", "Enceladus"],
  ...["Iapetus", "Umbriel", "Algieba", "Despina", "Erinome", "Algenib", "Rasalgethi", "Laomedeia", "Achernar"],
  ...["Alnilam", "Schedar", "Gacrux", "Pulcherrima", "Achird", "Zubenelgenubi", "Vindemiatrix", "Sadachbia"],
  ...["Sadaltager", "Sulafat"],
];

const voices: Voices = {
  named: {
    alloy: "Kore",
    ash: "Charon",
    ballad: "Orus",
    coral: "Aoede",
    echo: "Puck",
    fable: "Fenrir",
    onyx: "Algenib",
    nova: "Leda",
    sage: "Despina",
    shimmer: "Callirrhoe",
    verse: "Umbriel",
    marin: "Sulafat",
    cedar: "Iapetus",
    ...Object.fromEntries(own.map((name) => [name.toLowerCase(), name])),
  },
  // It has no others.
  own: /^(?!)/,
};

/** It gives samples alone; the head of a WAV file is ours. */
const formats = { wav: true, pcm: false } as const;

/** Fields beside OpenAI's that Gemini knows. */
const known: ReadonlySet<string> = new Set(["language_code"]);

/** Gemini's models that speak: generateContent with audio in place of text. */
export function geminiSpeech(flavour: GeminiFlavour): SpeechFormat {
  const knownVoices = withVoices(voices, flavour.voices);
  return {
    write(request, model, note) {
      noteUnknownFields(request.others, known, note);
      const { format, made } = formatIn(request, formats, note);
      speedIn(request, 1, 1);
      const { input, instructions, others } = request;
      const languageCode = asString(others.language_code);
      const body = {
        // The instructions stand before the text to speak, as in the vendor's own examples.
        contents: [{ role: "user", parts: [{ text: instructions === "" ? input : `${instructions}: ${input}` }] }],
        generationConfig: {
          responseModalities: ["AUDIO"],
          speechConfig: {
            voiceConfig: { prebuiltVoiceConfig: { voiceName: voiceIn(request, knownVoices) } },
            ...(languageCode === undefined ? {} : { languageCode }),
          },
        },
      };
      const path = pathTo(flavour, model, "generateContent");
      const message = { path, headers: {}, accept: "application/json", body: Buffer.from(JSON.stringify(body)) };
      return { message, format, headed: made };
    },
    read(json) {
      failOn(json);
      const parts = asArray(asObject(asObject(asArray(json.candidates)[0])?.content)?.parts);
      const blobs = parts.map((part) => asObject(asObject(part)?.inlineData) ?? {});
      return {
        audio: Buffer.concat(blobs.map(({ data }) => Buffer.from(asString(data) ?? "", "base64"))),
        sampleRate: rateOf(blobs),
        isLast: true,
        counts: countsIn(asObject(json.usageMetadata) ?? {}),
        id: asString(json.responseId),
      };
    },
  };
}

/** Finish reasons that say that the text was not spoken for what it says. */
const filtered = /SAFETY|BLOCKLIST|PROHIBITED_CONTENT|RECITATION|SPII/;

/** Throws what the answer says went wrong. */
function failOn(json: JsonObject): void {
  const error = errorOf(json);
  if (error !== undefined) throw inBandFailure(error);
  const { blockReason } = asObject(json.promptFeedback) ?? {};
  const { finishReason } = asObject(asArray(json.candidates)[0]) ?? {};
  if (blockReason === undefined && !filtered.test(asString(finishReason) ?? "")) return;
  throw failureOf("filtered", { param: "input" }).error;
}

/** The sample rate that a media type such as "audio/L16;codec=pcm;rate=24000" names. */
function rateOf(blobs: readonly JsonObject[]): number | undefined {
  const said = blobs.map(({ mimeType }) => /rate=(\d{4,6})/.exec(asString(mimeType) ?? "")?.[1]).find(Boolean);
  return said === undefined ? undefined : Number(said);
}

function countsIn(usage: JsonObject) {
  return { inputTokens: countOf(usage.promptTokenCount), audioTokens: countOf(usage.candidatesTokenCount) };
}
