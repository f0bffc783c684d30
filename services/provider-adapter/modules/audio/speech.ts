import { ThroughlineError } from "../../../../shared/errors/error.ts";
import { speechEstimate } from "../../../../shared/estimate/speech.ts";
import { estimateTextTokens } from "../../../../shared/estimate/text.ts";
import { noUsage, rateOf } from "../../../../shared/money.ts";
import { Unit } from "../../../../shared/units.ts";
import type { AnswerFacts, Asked } from "../../domain/exchange.ts";
import { asObject, asString, countOf, type JsonObject, parseJson } from "../../wire/json.ts";

/** The neutral form of a request for speech, which is OpenAI's. */
export interface SpeechRequest {
  readonly input: string;
  /** Name or ID of the voice. */
  readonly voice: string;
  readonly instructions: string;
  /** mp3, opus, aac, flac, wav or pcm. */
  readonly format: string;
  readonly speed: number;
}

/** Reads the client's body, which the edge has checked. */
export function readSpeech({ body }: Asked): SpeechRequest {
  const given = asObject(parseJson(Buffer.from(body).toString())) ?? {};
  return {
    input: asString(given.input) ?? "",
    voice: asString(given.voice) ?? asString(asObject(given.voice)?.id) ?? "",
    instructions: asString(given.instructions) ?? "",
    format: asString(given.response_format) ?? "mp3",
    speed: typeof given.speed === "number" ? given.speed : 1,
  };
}

/** Content types of the formats. */
export const contentTypes: Readonly<Record<string, string>> = {
  mp3: "audio/mpeg",
  opus: "audio/ogg",
  aac: "audio/aac",
  flac: "audio/flac",
  wav: "audio/wav",
  pcm: "audio/pcm",
};

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
    characters: BigInt(counts.characters ?? estimate.characters),
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

/** An answer of JSON where audio was expected is none. */
export function noAudio(): ThroughlineError {
  return new ThroughlineError("upstream_error", "The upstream's answer is not audio.");
}
