import { ThroughlineError } from "../../../../shared/errors/error.ts";
import { speechEstimate } from "../../../../shared/estimate/speech.ts";
import { estimateTextTokens } from "../../../../shared/estimate/text.ts";
import { rateOf } from "../../../../shared/money/prices.ts";
import { noUsage } from "../../../../shared/money/usage.ts";
import { Unit } from "../../../../shared/units.ts";
import type { AnswerFacts, Asked } from "../../domain/exchange.ts";
import { asObject, asString, countOf, type JsonObject, parseJson } from "../../wire/json.ts";

/** The neutral form of a request for speech, which is OpenAI's. */
export interface SpeechRequest {
  readonly input: string;
  /** Name or ID of the voice, and the field that says it. */
  readonly voice: string;
  readonly voicePath: "voice" | "voice.id";
  readonly instructions: string;
  /** mp3, opus, aac, flac, wav or pcm. */
  readonly format: string;
  /** False: the client left the choice of the format open. */
  readonly saysFormat: boolean;
  readonly speed: number;
  /** What else the client sent. */
  readonly others: JsonObject;
}

/** Reads the client's body, which the edge has checked. */
export function readSpeech({ body }: Asked): SpeechRequest {
  const given = asObject(parseJson(Buffer.from(body).toString())) ?? {};
  const { model, input, voice, instructions, response_format, speed, stream_format, ...others } = given;
  const format = asString(response_format);
  return {
    input: asString(input) ?? "",
    voice: asString(voice) ?? asString(asObject(voice)?.id) ?? "",
    voicePath: typeof voice === "string" ? "voice" : "voice.id",
    instructions: asString(instructions) ?? "",
    format: format ?? "mp3",
    saysFormat: format !== undefined,
    speed: typeof speed === "number" ? speed : 1,
    others,
  };
}

/** Content types of the formats. */
const contentTypes: Readonly<Record<string, string>> = {
  mp3: "audio/mpeg",
  opus: "audio/ogg",
  aac: "audio/aac",
  flac: "audio/flac",
  wav: "audio/wav",
  pcm: "audio/pcm",
};

/** The content type of a format. */
export function contentTypeOf(format: string): string {
  return contentTypes[format] ?? "application/octet-stream";
}

/** Throws where what comes instead of audio is text, e.g. the page of a proxy. */
export function checkAudioType(contentType: string): void {
  if (/^(text\/|application\/(json|xml|xhtml))/i.test(contentType)) throw noAudio();
}

/** What an upstream counted of a speech. */
export interface SpeechCounts {
  readonly inputTokens?: number | undefined;
  readonly audioTokens?: number | undefined;
  readonly characters?: number | undefined;
}

/** The counts of OpenAI's `speech.audio.done`. */
export function readSpeechUsage(usage: JsonObject): SpeechCounts {
  return { inputTokens: countOf(usage.input_tokens), audioTokens: countOf(usage.output_tokens) };
}

/**
 * The usage of a speech in the measures that vendors bill by; a price list prices one of them (docs/billing.md). Characters are
 * counted. What else the upstream did not count is estimated only where something is charged for it: by the duration, if that
 * is known.
 */
export function speechUsage(
  { prices }: Pick<Asked, "prices">,
  request: SpeechRequest,
  counts: SpeechCounts,
  durationMs: number | undefined,
): AnswerFacts["usage"] {
  const { input, instructions, speed } = request;
  const estimate = speechEstimate(input, speed, durationMs);
  const costs = (unit: Unit) => prices === undefined || rateOf(prices, unit, 0n, {}) > 0n;
  const guessed = (unit: Unit, guess: number) => (costs(unit) ? guess : 0);
  const tokens = estimateTextTokens(input) + estimateTextTokens(instructions);
  const inputTokens = counts.inputTokens ?? guessed(Unit.INPUT_TOKENS, tokens);
  const audioTokens = counts.audioTokens ?? guessed(Unit.OUTPUT_AUDIO_TOKENS, estimate.tokens);
  const audioMs = durationMs ?? guessed(Unit.OUTPUT_AUDIO_MS, estimate.durationMs);
  return {
    ...noUsage,
    inputTokens: BigInt(inputTokens),
    characters: BigInt(charactersOf(counts, estimate.characters)),
    more: [
      { unit: Unit.OUTPUT_AUDIO_TOKENS, amount: BigInt(audioTokens) },
      { unit: Unit.OUTPUT_AUDIO_MS, amount: BigInt(audioMs) },
    ].filter(({ amount }) => amount > 0n),
    estimated:
      (counts.inputTokens === undefined && inputTokens > 0) ||
      (counts.audioTokens === undefined && audioTokens > 0) ||
      (durationMs === undefined && audioMs > 0),
  };
}

/** Vendors count a character of Chinese as two, and marks of their own. What is far beyond the text was never in it. */
const mostPerCharacter = 4;

function charactersOf({ characters }: SpeechCounts, ours: number): number {
  return characters !== undefined && characters > 0 && characters <= ours * mostPerCharacter ? characters : ours;
}

/** An answer of JSON where audio was expected is none. */
export function noAudio(): ThroughlineError {
  return new ThroughlineError("upstream_error", "The upstream's answer is not audio.");
}
