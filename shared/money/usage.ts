import type { Unit } from "../gen/throughline/common/v1/common_pb.ts";
import { partUnits, unitEntry } from "../units.ts";

/** How much of a unit: as `common.v1.Quantity`. */
export interface Quantity {
  readonly unit: Unit;
  readonly amount: bigint;
}

/**
 * What a request consumed: the parts of `common.v1.Usage` that cost money, which that message satisfies. Parts do not
 * overlap (cached and cache-write tokens are not in inputTokens, reasoning tokens not in outputTokens). None is negative.
 */
export interface BillableUsage {
  /** Input tokens at the full price. */
  readonly inputTokens: bigint;
  /** Input tokens read from the upstream's cache. */
  readonly cachedInputTokens: bigint;
  /** Input tokens written to the upstream's cache. */
  readonly cacheWriteTokens: bigint;
  /** Visible output tokens. */
  readonly outputTokens: bigint;
  /** Reasoning tokens. */
  readonly reasoningTokens: bigint;
  /** Images generated. */
  readonly images: bigint;
  /** Milliseconds of audio. */
  readonly audioMs: bigint;
  /** Characters (speech, translation). */
  readonly characters: bigint;
  /** Further units, each at most once. */
  readonly more?: Quantity[];
  /** Facts that pick a price, by name (units.ts). */
  readonly traits?: Record<string, string>;
}

/** No consumption at all. */
export const noUsage: BillableUsage = {
  inputTokens: 0n,
  cachedInputTokens: 0n,
  cacheWriteTokens: 0n,
  outputTokens: 0n,
  reasoningTokens: 0n,
  images: 0n,
  audioMs: 0n,
  characters: 0n,
};

/** What was consumed of every unit of which something was, the request itself left out, in the order of the units. */
export function quantitiesOf(usage: BillableUsage): Quantity[] {
  const parts = partUnits.map(({ unit, part }) => ({ unit, amount: usage[part] }));
  return [...parts.filter(({ amount }) => amount !== 0n), ...(usage.more ?? [])];
}

/** Tokens of the whole input, whatever kind and whether cached. */
export function inputTokensOf(usage: BillableUsage): bigint {
  let sum = usage.inputTokens + usage.cachedInputTokens + usage.cacheWriteTokens;
  for (const { unit, amount } of usage.more ?? []) if (unitEntry(unit).isInput) sum += amount;
  return sum;
}

/** Tokens of the whole output, whatever kind, reasoning among them. */
export function outputTokensOf(usage: BillableUsage): bigint {
  let sum = usage.outputTokens + usage.reasoningTokens;
  for (const { unit, amount } of usage.more ?? []) if (unitEntry(unit).isOutput) sum += amount;
  return sum;
}
