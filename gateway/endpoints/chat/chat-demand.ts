import { ThroughlineError } from "../../../shared/errors/error.ts";
import type { InputEstimate } from "../../../shared/estimate/input.ts";
import { type BillableUsage, noUsage } from "../../../shared/money/usage.ts";
import { Unit } from "../../../shared/units.ts";
import { inputMargin, inputTooLong, reservedInputTokens, windowTolerance } from "../../domain/worst-case.ts";
import type { Demand, ModelLimits } from "../../story/demand.ts";

/** What the dialects of chat read from their bodies. */
export interface ChatReading extends Pick<Demand, "model" | "includeUsage" | "headers" | "affinity"> {
  readonly stream: boolean;
  readonly estimate: InputEstimate;
  readonly tools: boolean;
  readonly structuredOutput: boolean;
  /** Most output tokens of one answer that the client asked for; 0: not said. */
  readonly maxOutputTokens: number;
  /** The field that said so. */
  readonly maxOutputField: string;
  /** The field that holds the input. */
  readonly inputField: string;
  /** Answers asked for. */
  readonly choices: number;
  /** Spoken answers are asked for: all of the output may be audio. */
  readonly spoken?: boolean;
}

/** Output tokens that are reserved where neither the client nor the model names a ceiling. */
const defaultMaxOutputTokens = 8_192;
/** Most tokens that are reckoned with: more than anybody has credit for, and a number that every service can take. */
const maxTokens = 10 ** 15;

/**
 * The ceiling of an answer that a body asks for, by the fields that may say one. Which of two an upstream goes by is its
 * own affair (some rename one to the other), so it is the larger; 0, not said, where one of them is 0 or none is there.
 */
export function askedCeiling(...fields: readonly (number | null | undefined)[]): number {
  const said = fields.filter((field) => typeof field === "number");
  return said.includes(0) ? 0 : Math.min(maxTokens, Math.max(0, ...said));
}

/** What a chat asks for. */
export function chatDemand(reading: ChatReading): Demand {
  const { model, stream, includeUsage, headers, affinity, estimate, maxOutputTokens } = reading;
  return {
    ...{ model, answer: stream ? "events" : "json", includeUsage, headers, affinity },
    needs: { inputTokens: estimate.tokens, maxOutputTokens, capabilities: capabilitiesOf(reading) },
    worst: (limits) => worstCase(reading, limits),
    refuses: (limits) => contextError(reading, limits),
  };
}

const none: readonly string[] = [];

function capabilitiesOf({ tools, structuredOutput, estimate }: ChatReading): readonly string[] {
  if (!tools && !structuredOutput && estimate.images === 0 && !estimate.audio) return none;
  const needed: string[] = [];
  if (tools) needed.push("tools");
  if (estimate.images > 0) needed.push("vision");
  if (structuredOutput) needed.push("structured_output");
  if (estimate.audio) needed.push("audio");
  return needed;
}

type Ceilings = Pick<ChatReading, "maxOutputTokens" | "maxOutputField" | "inputField" | "choices" | "spoken"> & {
  readonly estimate: Pick<InputEstimate, "tokens"> & Partial<InputEstimate>;
};

/** Most output tokens of one answer: what the client asked for, at most the model's ceiling. */
function outputCeiling(ask: Ceilings, limits: ModelLimits): number {
  const ceiling = Number(limits.maxOutputTokens);
  if (ask.maxOutputTokens === 0) return ceiling || defaultMaxOutputTokens;
  return ceiling === 0 ? ask.maxOutputTokens : Math.min(ask.maxOutputTokens, ceiling);
}

/** The most that a chat may consume. Images and audio have prices of their own; what has none costs as text does. */
export function worstCase(ask: Ceilings, limits: ModelLimits): BillableUsage {
  const { tokens, imageTokens = 0, audioTokens = 0 } = ask.estimate;
  const output = BigInt(Math.min(maxTokens, outputCeiling(ask, limits) * ask.choices));
  const more = [
    { unit: Unit.INPUT_IMAGE_TOKENS, amount: BigInt(Math.ceil(imageTokens * inputMargin)) },
    { unit: Unit.INPUT_AUDIO_TOKENS, amount: BigInt(Math.ceil(audioTokens * inputMargin)) },
    { unit: Unit.OUTPUT_AUDIO_TOKENS, amount: ask.spoken === true ? output : 0n },
  ].filter(({ amount }) => amount > 0n);
  return {
    ...noUsage,
    inputTokens: BigInt(reservedInputTokens(tokens - imageTokens - audioTokens)),
    outputTokens: ask.spoken === true ? 0n : output,
    ...(more.length === 0 ? {} : { more }),
  };
}

/**
 * context_length_exceeded when the output that is asked for, or the estimate of the input, is far over the model's window.
 * An input that is closer is judged by the upstream, which counts exactly.
 */
export function contextError(ask: Ceilings, limits: ModelLimits): ThroughlineError | undefined {
  const window = Number(limits.contextWindowTokens);
  if (window > 0 && ask.maxOutputTokens > window * windowTolerance) {
    const { maxOutputField: param } = ask;
    const message = `${param} is ${ask.maxOutputTokens}; this model takes ${window} tokens, input and output together.`;
    return new ThroughlineError("context_length_exceeded", message, { param });
  }
  return inputTooLong(ask.estimate.tokens, limits.contextWindowTokens, ask.inputField);
}
