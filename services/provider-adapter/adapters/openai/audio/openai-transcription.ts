import { ThroughlineError } from "../../../../../shared/errors/error.ts";
import type { UpstreamMessage } from "../../../domain/exchange.ts";
import type { OpenaiFlavour } from "../../../domain/flavour.ts";
import { transcriptOf } from "../../../modules/audio/document.ts";
import type { TranscriptionFormat } from "../../../modules/audio/format.ts";
import { readTranscript } from "../../../modules/audio/openai-document.ts";
import { baseName, listOf, needsTimes, type TranscriptionRequest } from "../../../modules/audio/request.ts";
import { type WrittenPart, writeMultipart } from "../../../wire/multipart.ts";

const noBytes = new Uint8Array();

/** What is asked for in place of formats that carry no usage, or no times. */
const askedFormats: Readonly<Record<string, string>> = { text: "json", srt: "verbose_json", vtt: "verbose_json" };

/** Transcriptions and translations of OpenAI and of all who take its form (Azure, Groq, servers of one's own). */
export function openaiTranscription(
  flavour: OpenaiFlavour,
  place: Pick<UpstreamMessage, "path" | "base">,
): TranscriptionFormat {
  return {
    inBandError: flavour.streamError,
    write: (request, upstreamModel) => formMessage(request, partsOf(request, upstreamModel, askedFormats), place),
    read: readTranscript,
  };
}

/** Transcription by models that give `json` alone, without times: formats with times get one piece, as long as the audio. */
export function textTranscription(
  flavour: OpenaiFlavour,
  place: Pick<UpstreamMessage, "path" | "base">,
): TranscriptionFormat {
  return {
    inBandError: flavour.streamError,
    write(request, upstreamModel, note) {
      refuseTimes(request);
      if (needsTimes(request)) note(`${request.format} has one piece: the model tells no times`);
      const parts = partsOf(request, upstreamModel, {
        ...askedFormats,
        srt: "json",
        vtt: "json",
        verbose_json: "json",
      });
      return formMessage(request, parts, place);
    },
    read(json, request) {
      const transcript = readTranscript(json);
      if (transcript === undefined || request.format !== "verbose_json") return transcript;
      const { text, durationS, usage } = transcript;
      return transcriptOf({ text, language: "", durationS, segments: [], words: [], usage }, request);
    },
  };
}

/** What is asked for of models that tell speakers apart, which give times with them alone. */
const speakerFormats: Readonly<Record<string, string>> = {
  ...{ text: "json", srt: "diarized_json", vtt: "diarized_json", verbose_json: "diarized_json" },
};

/** Transcription by models that tell speakers apart. */
export function speakerTranscription(
  flavour: OpenaiFlavour,
  place: Pick<UpstreamMessage, "path" | "base">,
): TranscriptionFormat {
  return {
    inBandError: flavour.streamError,
    write(request, upstreamModel, note) {
      const { form } = request;
      if (listOf(form, "timestamp_granularities").includes("word"))
        throw cannotTell("timestamp_granularities", "words");
      const times = form.parts.filter(({ name }) => baseName(name) === "timestamp_granularities");
      const parts = partsOf(request, upstreamModel, speakerFormats).filter(({ name }) =>
        times.every((part) => part.name !== name),
      );
      // Audio of more than half a minute is refused without one.
      const isCut = form.parts.some(({ name }) => baseName(name) === "chunking_strategy");
      if (!isCut) note("chunking_strategy auto added: the upstream wants one");
      return formMessage(request, [...parts, ...(isCut ? [] : [{ name: "chunking_strategy", value: "auto" }])], place);
    },
    read(json, request) {
      const transcript = readTranscript(json);
      if (transcript === undefined || request.format !== "verbose_json") return transcript;
      const { text, durationS, segments, usage } = transcript;
      return transcriptOf({ text, language: "", durationS, segments, words: [], usage }, request);
    },
  };
}

/** Throws where the client asks for times or speakers, which the model does not tell. */
export function refuseTimes({ form, format }: TranscriptionRequest): void {
  const param =
    format === "diarized_json"
      ? "response_format"
      : listOf(form, "timestamp_granularities").length > 0
        ? "timestamp_granularities"
        : undefined;
  if (param !== undefined) throw cannotTell(param, param === "response_format" ? "speakers" : "times");
}

function cannotTell(param: string, what: string): ThroughlineError {
  return new ThroughlineError("invalid_value", `${param}: this model does not tell ${what}.`, { param });
}

/** A form as it is sent. */
export function formMessage(
  { form }: TranscriptionRequest,
  parts: readonly WrittenPart[],
  place: Pick<UpstreamMessage, "path" | "base">,
): UpstreamMessage {
  const { contentType, source } = writeMultipart(parts, form.read);
  return { ...place, contentType, headers: {}, body: noBytes, source };
}

/** The client's parts in their order, with the upstream's name of the model. */
function partsOf(
  { form, format }: TranscriptionRequest,
  upstreamModel: string,
  formats: Readonly<Record<string, string>>,
): WrittenPart[] {
  return form.parts.map((part) => {
    if (part.file !== undefined) return part;
    if (part.name === "model") return { ...part, value: upstreamModel };
    if (part.name === "response_format") return { ...part, value: formats[format] ?? format };
    return part;
  });
}
