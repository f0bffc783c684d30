import { ThroughlineError } from "../../shared/errors/error.ts";
import { dearestCostNanoUsd } from "../../shared/money/cost.ts";
import type { Prices } from "../../shared/money/prices.ts";
import type { BillableUsage, Quantity } from "../../shared/money/usage.ts";
import { Unit, unitEntry } from "../../shared/units.ts";

/** How much more than its estimate of an input is reserved. */
export const inputMargin = 1.5;

/**
 * Input tokens to reserve: the estimate and half as much again, for text that packs worse than four characters a token
 * (code, digits, Cyrillic), with a floor of 16.
 */
export function reservedInputTokens(estimate: number): number {
  return Math.max(16, Math.ceil(estimate * inputMargin));
}

/** Where the window is only known so well: the estimate errs by about this factor either way, and tables of windows age. */
export const windowTolerance = 2;

/**
 * context_length_exceeded where the estimate of an input is far over what a model takes. An input that is closer is judged by the upstream,
 * which counts exactly.
 *
 * @param windowTokens what the model takes; 0: unknown, and nothing is refused.
 * @param param the field that the client may shorten.
 */
export function inputTooLong(tokens: number, windowTokens: bigint, param: string): ThroughlineError | undefined {
  const window = Number(windowTokens);
  if (window === 0 || tokens <= window * windowTolerance) return undefined;
  const message = `The input has about ${tokens} tokens; this model takes ${window}. Shorten ${param}.`;
  return new ThroughlineError("context_length_exceeded", message, { param });
}

/**
 * The worst case by the prices of the candidate that it costs most with, so that whichever answers is covered. Which of
 * the output is reasoning is not known before; where that may cost more, all of it may be. Traits of the usage are those
 * that are certain: what the request leaves open is taken as it costs most.
 */
export function dearestCase<P extends Prices>(
  candidates: readonly { readonly pricing?: P | undefined }[],
  usage: BillableUsage,
): { readonly pricing: P; readonly worstCase: BillableUsage } {
  let dearest: { pricing: P; worstCase: BillableUsage } | undefined;
  let cost = -1n;
  for (const { pricing } of candidates) {
    if (pricing === undefined) continue;
    const cases = reasoningMayDiffer(pricing) ? [usage, allReasoned(usage)] : [usage];
    if (usage.more !== undefined) cases.push(asText(usage, usage.more));
    for (const worstCase of cases) {
      const own = dearestCostNanoUsd(worstCase, pricing);
      if (own > cost) [dearest, cost] = [{ pricing, worstCase }, own];
    }
  }
  if (dearest === undefined) throw new ThroughlineError("internal_error", "The route of this request has no price.");
  return dearest;
}

/** The usage of an upstream that tells no media apart: it counts them as text, which may cost more. */
function asText(usage: BillableUsage, more: readonly Quantity[]): BillableUsage {
  let { inputTokens, outputTokens } = usage;
  const others: Quantity[] = [];
  for (const quantity of more) {
    const { isInput, isOutput } = unitEntry(quantity.unit);
    if (isInput) inputTokens += quantity.amount;
    else if (isOutput) outputTokens += quantity.amount;
    else others.push(quantity);
  }
  return { ...usage, inputTokens, outputTokens, more: others };
}

function allReasoned(usage: BillableUsage): BillableUsage {
  return { ...usage, outputTokens: 0n, reasoningTokens: usage.outputTokens + usage.reasoningTokens };
}

/** Whether reasoning may cost more than other output: rates of other units say nothing of it. */
function reasoningMayDiffer({ reasoningNanoUsdPerMtok, outputNanoUsdPerMtok, rates = [] }: Prices): boolean {
  if (reasoningNanoUsdPerMtok > outputNanoUsdPerMtok) return true;
  for (const { unit } of rates) if (unit === Unit.OUTPUT_TOKENS || unit === Unit.REASONING_TOKENS) return true;
  return false;
}
