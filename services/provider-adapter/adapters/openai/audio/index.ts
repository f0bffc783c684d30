import type { Asked, Exchange, UpstreamMessage } from "../../../domain/exchange.ts";
import type { OpenaiFlavour } from "../../../domain/flavour.ts";
import type { TranscriptionFormat } from "../../../modules/audio/format.ts";
import { speechDialect, speechExchangeOf } from "../../../modules/audio/speech-exchange.ts";
import { transcriptionExchanges } from "../../../modules/audio/transcription.ts";
import type { OpenaiModule } from "../module.ts";
import { dashscopeSpeech } from "./dashscope-speech.ts";
import { minimaxSpeech } from "./minimax-speech.ts";
import { mistralTranscription } from "./mistral-transcription.ts";
import { openaiSpeech } from "./openai-speech.ts";
import { openaiTranscription, speakerTranscription, textTranscription } from "./openai-transcription.ts";
import { openrouterTranscription } from "./openrouter-transcription.ts";
import { openaiPlace, ownPlace } from "./place.ts";

/** How vendors speak and transcribe. */
interface Shape {
  speech(asked: Asked, flavour: OpenaiFlavour): Exchange;
  transcription(flavour: OpenaiFlavour, place: Pick<UpstreamMessage, "path" | "base">): TranscriptionFormat;
}

const openai: Shape = {
  speech: (asked, flavour) => openaiSpeech(asked, flavour, openaiPlace(flavour, asked.upstreamModel, "speech")),
  transcription: openaiTranscription,
};

const shapes = {
  /** OpenAI and all who follow it. */
  openai,
  /** OpenAI's models that give text without times. */
  openai_text: { ...openai, transcription: textTranscription },
  /** OpenAI's models that tell speakers apart. */
  openai_speakers: { ...openai, transcription: speakerTranscription },
  mistral: { ...openai, transcription: mistralTranscription },
  openrouter: { ...openai, transcription: openrouterTranscription },
  minimax: {
    ...openai,
    speech: (asked, flavour) =>
      speechExchangeOf(asked, minimaxSpeech(flavour, ownPlace(flavour, asked.upstreamModel, "speech"))),
  },
  dashscope: {
    ...openai,
    speech: (asked, flavour) =>
      speechExchangeOf(asked, dashscopeSpeech(flavour, ownPlace(flavour, asked.upstreamModel, "speech"))),
  },
} as const satisfies Readonly<Record<string, Shape>>;

type ShapeName = keyof typeof shapes;

/** Vendors and models that differ; the first row that fits counts. */
const differing: readonly { readonly vendor: string; readonly model: RegExp; readonly shape: ShapeName }[] = [
  // gpt-4o-transcribe, its mini and gpt-transcribe: `json` alone (developers.openai.com, "Speech to text").
  { vendor: "openai", model: /^gpt-(4o-(mini-)?)?transcribe(?!-diarize)/, shape: "openai_text" },
  { vendor: "azure", model: /^gpt-(4o-(mini-)?)?transcribe(?!-diarize)/, shape: "openai_text" },
  { vendor: "openai", model: /^gpt-4o-transcribe-diarize/, shape: "openai_speakers" },
  { vendor: "azure", model: /^gpt-4o-transcribe-diarize/, shape: "openai_speakers" },
  { vendor: "mistral", model: /(?:)/, shape: "mistral" },
  { vendor: "openrouter", model: /(?:)/, shape: "openrouter" },
  { vendor: "minimax", model: /(?:)/, shape: "minimax" },
  { vendor: "dashscope", model: /(?:)/, shape: "dashscope" },
];

/** The channel's flavour goes before the facts that are known of its vendor. */
function shapeOf({ vendor, modules }: OpenaiFlavour, model: string): Shape {
  const known = differing.find((row) => row.vendor === vendor && row.model.test(model))?.shape ?? "openai";
  // A shape that is none was refused when the channel was opened.
  return shapes[(modules.audio?.shape ?? known) as ShapeName];
}

function transcriptionFormat(flavour: OpenaiFlavour, model: string): TranscriptionFormat {
  const { transcription } = shapeOf(flavour, model);
  const transcribes = transcription(flavour, openaiPlace(flavour, model, "transcriptions"));
  const translates = transcription(flavour, openaiPlace(flavour, model, "translations"));
  return {
    ...transcribes,
    write: (request, upstreamModel, note) =>
      (request.task === "translate" ? translates : transcribes).write(request, upstreamModel, note),
  };
}

/** Speech, transcriptions and translations of OpenAI, of compatible servers, and of vendors that stand beside those. */
export const openaiAudio: OpenaiModule = {
  name: "audio",
  shapes: Object.keys(shapes),
  exchanges: (of) => ({
    [speechDialect]: (asked) => {
      const flavour = of(asked.upstreamModel);
      return shapeOf(flavour, asked.upstreamModel).speech(asked, flavour);
    },
    ...transcriptionExchanges((model) => transcriptionFormat(of(model), model)),
  }),
};
