import type { JsonObject } from "../../wire/json.ts";
import { listOf, type TranscriptionRequest } from "./request.ts";
import type { Segment, SpokenUsage, Transcript } from "./transcript.ts";

/** A word with its times, and who said it. */
export interface Word extends Segment {
  readonly speaker?: string | undefined;
}

/** What a vendor with a format of its own heard. */
export interface HeardText {
  readonly text: string;
  /** Empty: it does not say. */
  readonly language: string;
  /** Length of the audio in seconds; undefined: it does not say. */
  readonly durationS: number | undefined;
  readonly segments: readonly Word[];
  readonly words: readonly Word[];
  readonly usage: SpokenUsage;
}

/** The transcript of a vendor with a format of its own, with the document that OpenAI would give for it. */
export function transcriptOf(heard: HeardText, request: TranscriptionRequest): Transcript {
  const { text, durationS, usage } = heard;
  const told = heard.segments.length > 0 ? heard.segments : segmentsOf(heard.words);
  const whole = { startS: 0, endS: durationS ?? request.form.inputAudioMs / 1_000, text };
  const segments = told.length === 0 && text !== "" ? [whole] : told;
  const document = (documents[request.format] ?? plain)({ ...heard, segments }, request);
  return { text, segments, durationS, usage, document: { ...document, ...usageOf(usage) } };
}

type Write = (heard: HeardText, request: TranscriptionRequest) => JsonObject;

const plain: Write = ({ text }) => ({ text });

/** By `response_format`; the others are rendered of the transcript. */
const documents: Readonly<Record<string, Write>> = {
  verbose_json(heard, { form, task }) {
    const asked = listOf(form, "timestamp_granularities");
    const duration = heard.durationS ?? form.inputAudioMs / 1_000;
    const segments = heard.segments.map(({ startS, endS, text }, id) => ({
      ...{ id, seek: 0, start: startS, end: endS, text, tokens: [], temperature: 0 },
      ...{ avg_logprob: 0, compression_ratio: 0, no_speech_prob: 0 },
    }));
    const words = heard.words.map(({ startS, endS, text }) => ({ word: text, start: startS, end: endS }));
    return {
      task,
      language: heard.language,
      duration,
      text: heard.text,
      ...(asked.length === 0 || asked.includes("segment") ? { segments } : {}),
      ...(asked.includes("word") ? { words } : {}),
    };
  },
  diarized_json: ({ text, durationS, segments }, { form }) => ({
    task: "transcribe",
    duration: durationS ?? form.inputAudioMs / 1_000,
    text,
    segments: segments.map(({ startS, endS, text: said, speaker }, id) => ({
      ...{ type: "transcript.text.segment", id: `seg_${id}`, speaker: speaker ?? "A" },
      ...{ start: startS, end: endS, text: said },
    })),
  }),
};

/** As OpenAI states it, by tokens or by seconds. */
function usageOf({ seconds, tokens }: SpokenUsage): JsonObject {
  if (tokens !== undefined) {
    const { text, audio, output } = tokens;
    return {
      usage: {
        type: "tokens",
        input_tokens: text + audio,
        input_token_details: { text_tokens: text, audio_tokens: audio },
        output_tokens: output,
        total_tokens: text + audio + output,
      },
    };
  }
  return seconds === undefined ? {} : { usage: { type: "duration", seconds } };
}

/** A line of subtitles is no longer than this: in characters, in seconds, and in the silence that it bridges. */
const longest = { length: 84, seconds: 7, pauseSeconds: 1 };
const sentenceEnd = /[.!?。！？]["'”’)]?$/;

/** Words in pieces as subtitles have them: by sentences, speakers and pauses. */
function segmentsOf(words: readonly Word[]): Word[] {
  const segments: Word[] = [];
  let open: Word | undefined;
  for (const word of words) {
    if (open === undefined || endsBefore(open, word)) {
      if (open !== undefined) segments.push(open);
      open = { ...word, text: word.text.trim() };
    } else {
      open = { ...open, endS: word.endS, text: joined(open.text, word.text) };
    }
  }
  return open === undefined ? segments : [...segments, open];
}

function endsBefore(open: Word, next: Word): boolean {
  return (
    sentenceEnd.test(open.text) ||
    open.speaker !== next.speaker ||
    open.text.length + next.text.length > longest.length ||
    next.endS - open.startS > longest.seconds ||
    next.startS - open.endS > longest.pauseSeconds
  );
}

/** Words of languages without spaces stand side by side. */
function joined(before: string, word: string): string {
  const isDense = /[\u3040-\u30ff\u3400-\u9fff]$/.test(before) && /^[\u3040-\u30ff\u3400-\u9fff]/.test(word);
  return isDense ? before + word : `${before} ${word.trim()}`;
}
