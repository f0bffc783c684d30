import { ThroughlineError } from "../../shared/errors/error.ts";
import { type BillableUsage, costNanoUsd, type Prices } from "../../shared/money.ts";

/** Output tokens that are reserved where neither the client nor the model names a ceiling. */
const defaultMaxOutputTokens = 8_192;
/** Most tokens that are reckoned with: more than anybody has credit for, and a number that every service can take. */
const maxTokens = 10 ** 15;

interface Limits {
  /** 0: unknown. */
  readonly contextWindowTokens: bigint;
  /** 0: unknown. */
  readonly maxOutputTokens: bigint;
}

interface Asked {
  readonly estimate: { readonly tokens: number };
  /** 0: not said. */
  readonly maxOutputTokens: number;
  readonly maxOutputField: string;
  /** Answers asked for. */
  readonly choices: number;
}

/**
 * The ceiling of an answer that a body asks for, by the fields that may say one. Which of two an upstream goes by is its
 * own affair (some rename one to the other), so it is the larger; 0, not said, where one of them is 0 or none is there.
 */
export function askedCeiling(...fields: readonly (number | null | undefined)[]): number {
  const said = fields.filter((field) => typeof field === "number");
  return said.includes(0) ? 0 : Math.min(maxTokens, Math.max(0, ...said));
}

/** Most output tokens of one answer: what the client asked for, at most the model's ceiling. */
function outputCeiling(ask: Asked, limits: Limits): number {
  const ceiling = Number(limits.maxOutputTokens);
  if (ask.maxOutputTokens === 0) return ceiling || defaultMaxOutputTokens;
  return ceiling === 0 ? ask.maxOutputTokens : Math.min(ask.maxOutputTokens, ceiling);
}

/**
 * Input tokens to reserve: the estimate and half as much again, for text that packs worse than four characters a token
 * (code, digits, Cyrillic), with a floor of 16.
 */
export function reservedInputTokens(estimate: number): number {
  return Math.max(16, Math.ceil(estimate * 1.5));
}

/** Worst case of what a request may consume, for its reservation. */
export function worstCase(ask: Asked, limits: Limits): BillableUsage {
  return {
    inputTokens: BigInt(reservedInputTokens(ask.estimate.tokens)),
    cachedInputTokens: 0n,
    cacheWriteTokens: 0n,
    outputTokens: BigInt(Math.min(maxTokens, outputCeiling(ask, limits) * ask.choices)),
    reasoningTokens: 0n,
    images: 0n,
    audioMs: 0n,
    characters: 0n,
  };
}

/** Where the window is only known so well: the estimate errs by about this factor either way, and tables of windows age. */
const windowTolerance = 2;

/**
 * context_length_exceeded when the output that is asked for, or the estimate of the input, is far over the model's window.
 * What is closer the upstream judges, which counts exactly.
 */
export function contextError(ask: Asked, limits: Limits): ThroughlineError | undefined {
  const window = Number(limits.contextWindowTokens);
  const most = window * windowTolerance;
  if (window === 0) return undefined;
  if (ask.maxOutputTokens > most) {
    const { maxOutputField: param } = ask;
    const message = `${param} is ${ask.maxOutputTokens}; this model takes ${window} tokens, input and output together.`;
    return new ThroughlineError("context_length_exceeded", message, { param });
  }
  if (ask.estimate.tokens <= most) return undefined;
  return new ThroughlineError(
    "context_length_exceeded",
    `The input has about ${ask.estimate.tokens} tokens; this model takes ${window}. Shorten messages.`,
    { param: "messages" },
  );
}

/**
 * The worst case by the prices of the candidate that it costs most with, so that whichever answers is covered. Which of
 * the output is reasoning is not known before; where that costs more, all of it may be.
 */
export function dearestCase<P extends Prices>(
  candidates: readonly { readonly pricing?: P | undefined }[],
  usage: BillableUsage,
): { readonly pricing: P; readonly worstCase: BillableUsage } {
  const allReasoned = { ...usage, outputTokens: 0n, reasoningTokens: usage.outputTokens + usage.reasoningTokens };
  let dearest: { pricing: P; worstCase: BillableUsage } | undefined;
  let cost = -1n;
  for (const { pricing } of candidates) {
    if (pricing === undefined) continue;
    const reasons = pricing.reasoningNanoUsdPerMtok > pricing.outputNanoUsdPerMtok;
    const worstCase = reasons ? allReasoned : usage;
    const own = costNanoUsd(worstCase, pricing);
    if (own > cost) [dearest, cost] = [{ pricing, worstCase }, own];
  }
  if (dearest === undefined) throw new ThroughlineError("internal_error", "The route of this request has no price.");
  return dearest;
}
