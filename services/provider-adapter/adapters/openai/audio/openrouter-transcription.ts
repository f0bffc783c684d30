import { ThroughlineError } from "../../../../../shared/errors/error.ts";
import type { UpstreamMessage } from "../../../domain/exchange.ts";
import type { OpenaiFlavour } from "../../../domain/flavour.ts";
import { transcriptOf } from "../../../modules/audio/document.ts";
import type { TranscriptionFormat } from "../../../modules/audio/format.ts";
import { readTranscript } from "../../../modules/audio/openai-document.ts";
import {
  fieldOf,
  needsTimes,
  noteUnknownParts,
  onlyTranscribes,
  type TranscriptionRequest,
} from "../../../modules/audio/request.ts";
import { base64Document } from "../../../wire/base64-source.ts";
import { refuseTimes } from "./openai-transcription.ts";

const noBytes = new Uint8Array();

/** Formats by the endings of files and by content types. */
const formats: Readonly<Record<string, string>> = {
  ...{ wav: "wav", mp3: "mp3", mpga: "mp3", mpeg: "mp3", flac: "flac", m4a: "m4a", mp4: "m4a", ogg: "ogg", oga: "ogg" },
  ...{ opus: "ogg", webm: "webm", aac: "aac", "audio/wav": "wav", "audio/x-wav": "wav", "audio/wave": "wav" },
  ...{ "audio/mpeg": "mp3", "audio/mp3": "mp3", "audio/flac": "flac", "audio/x-flac": "flac", "audio/mp4": "m4a" },
  ...{ "audio/x-m4a": "m4a", "video/mp4": "m4a", "audio/ogg": "ogg", "application/ogg": "ogg", "audio/webm": "webm" },
  ...{ "video/webm": "webm", "audio/aac": "aac" },
};

/** Fields of OpenAI's form that have a place in the vendor's document. */
const known: ReadonlySet<string> = new Set([
  ...["model", "language", "temperature", "response_format", "stream", "timestamp_granularities"],
]);

/** OpenRouter: a JSON document with the file in base64; its usage has what it cost. It tells no times. */
export function openrouterTranscription(
  flavour: OpenaiFlavour,
  place: Pick<UpstreamMessage, "path" | "base">,
): TranscriptionFormat {
  return {
    inBandError: flavour.streamError,
    write(request, upstreamModel, note) {
      onlyTranscribes(request);
      refuseTimes(request);
      noteUnknownParts(request, known, note);
      if (needsTimes(request)) note(`${request.format} has one piece: the upstream tells no times`);
      const { form, file } = request;
      const language = fieldOf(form, "language");
      const temperature = fieldOf(form, "temperature");
      const fields = {
        model: upstreamModel,
        ...(language === undefined ? {} : { language }),
        ...(temperature === undefined ? {} : { temperature: Number(temperature) }),
      };
      const before = `${JSON.stringify(fields).slice(0, -1)},"input_audio":{"format":"${formatOf(request)}","data":"`;
      const source = base64Document(before, '"}}', file.length, () => form.read(file.offset));
      return { ...place, headers: {}, accept: "application/json", body: noBytes, source };
    },
    read(json, request) {
      const transcript = readTranscript(json);
      if (transcript === undefined) return undefined;
      const { text, durationS, usage } = transcript;
      return transcriptOf({ text, language: "", durationS, segments: [], words: [], usage }, request);
    },
  };
}

function formatOf({ file }: TranscriptionRequest): string {
  const ending = /\.([a-z0-9]+)$/i.exec(file.filename)?.[1]?.toLowerCase() ?? "";
  const type = (file.contentType.split(";", 1)[0] ?? "").trim().toLowerCase();
  const format = [ending, type].map((name) => (Object.hasOwn(formats, name) ? formats[name] : undefined)).find(Boolean);
  if (format !== undefined) return format;
  const message = "The name of the file must end in its format, e.g. .mp3 or .wav.";
  throw new ThroughlineError("invalid_value", message, { param: "file" });
}
