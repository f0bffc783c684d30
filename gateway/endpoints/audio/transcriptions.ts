import { ThroughlineError } from "../../../shared/errors/error.ts";
import { estimateTextTokens } from "../../../shared/estimate/text.ts";
import { Module, Unit } from "../../../shared/gen/throughline/common/v1/common_pb.ts";
import type { Operation } from "../../../shared/modules.ts";
import { noUsage } from "../../../shared/money/usage.ts";
import { openaiInBandError } from "../../answers/in-band-errors.ts";
import type { Form, FormSpec, Upload } from "../../domain/form.ts";
import type { Demand } from "../../story/demand.ts";
import type { FormEndpoint } from "../paid-endpoint.ts";
import { audioLength, longestMs } from "./duration.ts";

const formats = ["json", "text", "srt", "verbose_json", "vtt"] as const;
/** Models that tell speakers apart take this format as well. */
const transcriptionFormats = [...formats, "diarized_json"] as const;
const granularities: readonly string[] = ["word", "segment"];

/** Vendors count about ten tokens for a second of audio in the input, and speech has no more than so many in its text. */
const tokensPerSecond = 10;

const form: FormSpec = {
  files: { file: { required: true, most: 1 } },
  fields: {
    model: { kind: "text", required: true },
    language: { kind: "text" },
    prompt: { kind: "text" },
    response_format: { kind: "text" },
    temperature: { kind: "number" },
    stream: { kind: "boolean" },
    timestamp_granularities: { kind: "list" },
    include: { kind: "list" },
    chunking_strategy: { kind: "object" },
    known_speaker_names: { kind: "list" },
    known_speaker_references: { kind: "list" },
    keywords: { kind: "list" },
    languages: { kind: "list" },
  },
};

/** POST /v1/audio/transcriptions: text of speech, in its language. */
export const transcriptions: FormEndpoint = {
  paths: ["/v1/audio/transcriptions"],
  module: Module.AUDIO,
  dialect: "openai.transcription",
  form,
  upload: "audio",
  inBandError: openaiInBandError,
  // A text or subtitles are no JSON: history has the provider's document.
  keepsAnswer: false,
  read(given, upload) {
    checkFormat(given, transcriptionFormats);
    return demandOf(given, upload, { operation: "transcription", stream: given.boolean("stream") === true });
  },
};

/** POST /v1/audio/translations: English text of speech. */
export const translations: FormEndpoint = {
  ...transcriptions,
  paths: ["/v1/audio/translations"],
  dialect: "openai.translation",
  read(given, upload) {
    checkFormat(given, formats);
    return demandOf(given, upload, { operation: "translation", stream: false });
  },
};

function checkFormat(given: Form, known: readonly string[]): void {
  const format = given.text("response_format") ?? "json";
  if (!known.includes(format)) throw invalid("response_format", `must be one of ${known.join(", ")}`);
  const temperature = given.number("temperature") ?? 0;
  if (temperature < 0 || temperature > 2) throw invalid("temperature", "must be between 0 and 2");
  const wanted = given.list("timestamp_granularities");
  const unknown = wanted.find((one) => !granularities.includes(one));
  if (unknown !== undefined) throw invalid("timestamp_granularities", "must be word or segment");
  if (wanted.length > 0 && format !== "verbose_json") {
    throw invalid("timestamp_granularities", "needs response_format verbose_json");
  }
}

function invalid(param: string, what: string): ThroughlineError {
  return new ThroughlineError("invalid_value", `${param} ${what}.`, { param });
}

async function demandOf(
  given: Form,
  { source }: Upload,
  { operation, stream }: { readonly operation: Operation; readonly stream: boolean },
): Promise<Demand> {
  const [file] = given.files;
  if (file === undefined) throw new ThroughlineError("internal_error", "The form has no file.");
  const { ms, told } = await audioLength(file, source);
  const longest = told ? ms : longestMs(file.length);
  const promptTokens = estimateTextTokens(given.text("prompt") ?? "");
  return {
    model: given.text("model") ?? "",
    answer: stream ? "events" : "json",
    includeUsage: false,
    needs: { inputTokens: promptTokens + tokensOf(ms), maxOutputTokens: 0, capabilities: [operation] },
    headers: {},
    affinity: "",
    inputAudioMs: ms,
    // By seconds or by tokens, whichever the strategy prices.
    worst: () => ({
      ...noUsage,
      inputTokens: BigInt(promptTokens),
      outputTokens: BigInt(tokensOf(longest)),
      more: [
        { unit: Unit.INPUT_AUDIO_TOKENS, amount: BigInt(tokensOf(longest)) },
        { unit: Unit.INPUT_AUDIO_MS, amount: BigInt(longest) },
      ],
    }),
    refuses: () => undefined,
  };
}

function tokensOf(ms: number): number {
  return Math.max(1, Math.ceil((ms / 1_000) * tokensPerSecond));
}
