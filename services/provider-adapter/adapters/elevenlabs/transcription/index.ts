import { transcriptOf, type Word } from "../../../modules/audio/document.ts";
import type { TranscriptionFormat } from "../../../modules/audio/format.ts";
import { secondsOf } from "../../../modules/audio/openai-document.ts";
import { noteUnknownParts, onlyTranscribes } from "../../../modules/audio/request.ts";
import { asArray, asObject, asString } from "../../../wire/json.ts";
import { type WrittenPart, writeMultipart } from "../../../wire/multipart.ts";
import { elevenLabsInBand, errorIn } from "../errors.ts";
import type { ElevenLabsFlavour } from "../flavour.ts";

/** What the vendor calls OpenAI's fields. */
const renamed: Readonly<Record<string, string>> = { language: "language_code", temperature: "temperature" };
/** Fields of the vendor's own that go on. What would answer at once, without the text and its length, is not among them. */
const passed: ReadonlySet<string> = new Set(["num_speakers", "seed", "tag_audio_events", "diarize"]);
/** Fields that are served here or say nothing to the vendor. */
const served = ["model", "response_format", "timestamp_granularities", "stream"];
const known: ReadonlySet<string> = new Set([...Object.keys(renamed), ...passed, ...served]);

const noBytes = new Uint8Array();

/** ElevenLabs' Scribe: words with their times, of which everything else is made. It knows no streams and no translation. */
export function elevenLabsTranscription({ transcriptionPath }: ElevenLabsFlavour): TranscriptionFormat {
  return {
    inBandError: elevenLabsInBand,
    errorIn,
    write(request, upstreamModel, note) {
      onlyTranscribes(request);
      noteUnknownParts(request, known, note);
      const { form, format } = request;
      const parts = form.parts.flatMap((part): WrittenPart[] => {
        if (part.file !== undefined) return [part];
        if (part.name === "model") return [{ name: "model_id", value: upstreamModel }];
        const name = renamed[part.name] ?? (passed.has(part.name) ? part.name : undefined);
        return name === undefined ? [] : [{ name, value: part.value }];
      });
      const has = (name: string) => parts.some((part) => part.name === name);
      const added = [
        { name: "timestamps_granularity", value: "word" },
        // As with OpenAI the text has what was said, and not that somebody laughed.
        ...(has("tag_audio_events") ? [] : [{ name: "tag_audio_events", value: "false" }]),
        ...(format === "diarized_json" && !has("diarize") ? [{ name: "diarize", value: "true" }] : []),
      ];
      const { contentType, source } = writeMultipart([...parts, ...added], form.read);
      return {
        path: transcriptionPath,
        contentType,
        headers: {},
        accept: "application/json",
        body: noBytes,
        source,
      };
    },
    read(json, request) {
      const text = asString(json.text);
      if (text === undefined) return undefined;
      const seconds = secondsOf(json.audio_duration_secs);
      return transcriptOf(
        {
          text,
          language: asString(json.language_code) ?? "",
          durationS: seconds,
          segments: [],
          words: asArray(json.words).flatMap(wordOf),
          usage: { seconds },
        },
        request,
      );
    },
  };
}

/** What stands between words is none. */
function wordOf(value: unknown): Word[] {
  const word = asObject(value) ?? {};
  const startS = secondsOf(word.start);
  const endS = secondsOf(word.end);
  const text = asString(word.text)?.trim() ?? "";
  if (word.type === "spacing" || startS === undefined || endS === undefined || text === "") return [];
  return [{ startS, endS, text, speaker: asString(word.speaker_id) }];
}
