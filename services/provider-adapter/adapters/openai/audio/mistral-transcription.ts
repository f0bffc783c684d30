import type { UpstreamMessage } from "../../../domain/exchange.ts";
import type { OpenaiFlavour } from "../../../domain/flavour.ts";
import { transcriptOf, type Word } from "../../../modules/audio/document.ts";
import type { TranscriptionFormat } from "../../../modules/audio/format.ts";
import { secondsOf, spokenUsageOf } from "../../../modules/audio/openai-document.ts";
import {
  fieldOf,
  listOf,
  needsTimes,
  noteUnknownParts,
  onlyTranscribes,
  type TranscriptionRequest,
} from "../../../modules/audio/request.ts";
import { asArray, asObject, asString, type JsonObject } from "../../../wire/json.ts";
import type { WrittenPart } from "../../../wire/multipart.ts";
import { formMessage } from "./openai-transcription.ts";

/** Fields of OpenAI's form that have a place in the vendor's; `response_format` is made here. */
const known: ReadonlySet<string> = new Set([
  ...["model", "language", "temperature", "stream", "response_format", "timestamp_granularities"],
  ...["keywords", "diarize", "context_bias"],
]);
/** Fields that go on as they are. */
const passed: ReadonlySet<string> = new Set(["language", "temperature", "stream", "diarize", "context_bias"]);

/** Mistral's Voxtral: OpenAI's form without formats, times where they are asked for, and events of its own. */
export function mistralTranscription(
  flavour: OpenaiFlavour,
  place: Pick<UpstreamMessage, "path" | "base">,
): TranscriptionFormat {
  return {
    inBandError: flavour.streamError,
    write(request, upstreamModel, note) {
      onlyTranscribes(request);
      noteUnknownParts(request, known, note);
      const times = granularityOf(request);
      const parts = request.form.parts.flatMap((part): WrittenPart[] => {
        if (part.file !== undefined) return [part];
        if (part.name === "model") return [{ ...part, value: upstreamModel }];
        // The vendor takes the one or the other.
        if (part.name === "language" && times !== undefined) return [];
        return passed.has(part.name) ? [part] : [];
      });
      if (times !== undefined && fieldOf(request.form, "language") !== undefined) {
        note("language dropped: the upstream finds it out by itself where it tells times");
      }
      const added = [
        ...(times === undefined ? [] : [{ name: "timestamp_granularities", value: times }]),
        ...(request.format === "diarized_json" ? [{ name: "diarize", value: "true" }] : []),
        ...listOf(request.form, "keywords").map((value) => ({ name: "context_bias", value })),
      ];
      return formMessage(request, [...parts, ...added], place);
    },
    read(json, request) {
      const text = asString(json.text);
      if (text === undefined) return undefined;
      const pieces = asArray(json.segments).flatMap(wordOf);
      const isByWords = granularityOf(request) === "word";
      return transcriptOf(
        {
          text,
          language: asString(json.language) ?? "",
          durationS: undefined,
          segments: isByWords ? [] : pieces,
          words: isByWords ? pieces : [],
          usage: usageIn(json),
        },
        request,
      );
    },
    event: eventOf,
  };
}

/** What times are asked for; undefined: none. */
function granularityOf(request: TranscriptionRequest): "word" | "segment" | undefined {
  if (listOf(request.form, "timestamp_granularities").includes("word")) return "word";
  return needsTimes(request) ? "segment" : undefined;
}

/** The vendor charges the time of the audio, which it tells beside tokens. */
function usageIn(json: JsonObject) {
  const { seconds, tokens } = spokenUsageOf(asObject(json.usage));
  return { seconds, tokens };
}

function wordOf(value: unknown): Word[] {
  const piece = asObject(value) ?? {};
  const startS = secondsOf(piece.start);
  const endS = secondsOf(piece.end);
  const text = asString(piece.text);
  if (startS === undefined || endS === undefined || text === undefined) return [];
  return [{ startS, endS, text, speaker: asString(piece.speaker_id) }];
}

/** Its events in OpenAI's words: the language and the times have none there. */
function eventOf(json: JsonObject): JsonObject | undefined {
  const text = asString(json.text) ?? "";
  if (json.type === "transcription.text.delta") return { type: "transcript.text.delta", delta: text };
  if (json.type !== "transcription.done") return undefined;
  return { type: "transcript.text.done", text, ...(json.usage === undefined ? {} : { usage: openaiUsage(json) }) };
}

function openaiUsage(json: JsonObject): JsonObject {
  const { seconds, tokens } = usageIn(json);
  if (seconds !== undefined || tokens === undefined) return { type: "duration", seconds: seconds ?? 0 };
  const { text, audio, output } = tokens;
  return { type: "tokens", input_tokens: text + audio, output_tokens: output, total_tokens: text + audio + output };
}
