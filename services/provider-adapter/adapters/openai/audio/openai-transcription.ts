import { endpointPath, type OpenaiFlavour } from "../../../domain/flavour.ts";
import type { TranscriptionFormat } from "../../../modules/audio/format.ts";
import type { TranscriptionRequest } from "../../../modules/audio/request.ts";
import type { Segment, SpokenUsage, Transcript } from "../../../modules/audio/transcript.ts";

import { asArray, asObject, asString, countOf, type JsonObject } from "../../../wire/json.ts";
import { type WrittenPart, writeMultipart } from "../../../wire/multipart.ts";

const noBytes = new Uint8Array();

/** What is asked for in place of formats that carry no usage, or no times. */
const askedFormats: Readonly<Record<string, string>> = { text: "json", srt: "verbose_json", vtt: "verbose_json" };

/** Transcriptions and translations of OpenAI and of all who take its form (Azure, Groq, Mistral, servers of one's own). */
export function transcriptionFormat(flavour: OpenaiFlavour): TranscriptionFormat {
  return {
    inBandError: flavour.streamError,
    write(request, upstreamModel) {
      const endpoint = request.task === "transcribe" ? "audio/transcriptions" : "audio/translations";
      const { contentType, source } = writeMultipart(partsOf(request, upstreamModel), request.form.read);
      const path = endpointPath(flavour, upstreamModel, endpoint);
      return { path, contentType, headers: {}, body: noBytes, source };
    },
    read: readTranscript,
  };
}

/** The client's parts in their order, with the upstream's name of the model. */
function partsOf({ form, format }: TranscriptionRequest, upstreamModel: string): WrittenPart[] {
  return form.parts.map((part) => {
    if (part.file !== undefined) return part;
    if (part.name === "model") return { ...part, value: upstreamModel };
    if (part.name === "response_format") return { ...part, value: askedFormats[format] ?? format };
    return part;
  });
}

function readTranscript(json: JsonObject): Transcript | undefined {
  const text = asString(json.text);
  if (text === undefined) return undefined;
  return {
    text,
    segments: asArray(json.segments).flatMap(segmentOf),
    durationS: secondsOf(json.duration),
    usage: usageOf(asObject(json.usage)),
    document: json,
  };
}

function segmentOf(value: unknown): Segment[] {
  const segment = asObject(value) ?? {};
  const startS = secondsOf(segment.start);
  const endS = secondsOf(segment.end);
  const text = asString(segment.text);
  return startS === undefined || endS === undefined || text === undefined ? [] : [{ startS, endS, text }];
}

/** Of OpenAI, by tokens or by seconds; Mistral says both under the names of chat. */
function usageOf(usage: JsonObject | undefined): SpokenUsage {
  if (usage === undefined) return {};
  const seconds = secondsOf(usage.seconds) ?? secondsOf(usage.prompt_audio_seconds);
  const input = countOf(usage.input_tokens) ?? countOf(usage.prompt_tokens);
  const output = countOf(usage.output_tokens) ?? countOf(usage.completion_tokens);
  if (input === undefined && output === undefined) return { seconds };
  const details = asObject(usage.input_token_details) ?? asObject(usage.input_tokens_details) ?? {};
  // Without details all of it is audio, but for what is said to be text.
  const text = Math.min(countOf(details.text_tokens) ?? 0, input ?? 0);
  const audio = countOf(details.audio_tokens) ?? (input ?? 0) - text;
  return { seconds, tokens: { text: Math.max(0, (input ?? 0) - audio), audio, output: output ?? 0 } };
}

/** Some servers write numbers as text. */
function secondsOf(value: unknown): number | undefined {
  const seconds = typeof value === "string" && value.trim() !== "" ? Number(value) : value;
  return typeof seconds === "number" && Number.isFinite(seconds) && seconds >= 0 ? seconds : undefined;
}
