import { type BillableUsage, outputTokensOf, type Quantity } from "../../../../../shared/money/usage.ts";
import { Unit } from "../../../../../shared/units.ts";
import { countOf } from "../../../wire/json.ts";

/** Kinds of tokens that vendors tell apart beside text, the dearest first. */
const media = ["Audio", "Image", "Video"] as const;
type Medium = (typeof media)[number];

/** Counts that most usages do not have. Only what is more than 0 is there. */
export type FurtherCounts = {
  /** Tokens of the whole input in this medium, those from the cache among them. */
  readonly [Name in `input${Medium}`]?: number | undefined;
} & {
  /** Tokens in this medium that were read from a cache. */
  readonly [Name in `cached${Medium}`]?: number | undefined;
} & {
  /** Tokens of the output in this medium, without the reasoning. */
  readonly [Name in `output${Medium}`]?: number | undefined;
} & {
  /** Input tokens that were written to a cache which keeps them for an hour. */
  readonly writtenForHour?: number | undefined;
  /** Searches of the web that the upstream made and bills. */
  readonly webSearches?: number | undefined;
  /** Calls of its other tools that it bills by the call. */
  readonly toolCalls?: number | undefined;
  /** Containers that it opened to run code. */
  readonly sessions?: number | undefined;
  /** What it says that the answer cost. */
  readonly vendorNanoUsd?: number | undefined;
};

type CountName = Exclude<keyof FurtherCounts, "vendorNanoUsd">;
type Growing = { -readonly [Name in keyof FurtherCounts]: FurtherCounts[Name] };

/**
 * Adds a count to those that are there, if it is one and more than 0. A usage without any makes no object: most are so, and
 * some vendors send a usage with every chunk.
 */
export function withCount(further: Growing | undefined, name: CountName, value: unknown): Growing | undefined {
  const count = countOf(value);
  if (!count) return further;
  const grown = further ?? {};
  const known = grown[name] ?? 0;
  // A sum that no answer can have is not believed either.
  grown[name] = countOf(known + count) ?? known;
  return grown;
}

/** Adds what an upstream says that the answer cost; 0 and nothing make no object either. */
export function withCost(further: Growing | undefined, nanoUsd: number | undefined): Growing | undefined {
  if (!nanoUsd) return further;
  const grown = further ?? {};
  grown.vendorNanoUsd = nanoUsd;
  return grown;
}

/** Tokens of the input, or of the output, that are told apart. */
export function toldApart(further: FurtherCounts | undefined, side: "input" | "output"): number {
  return further === undefined ? 0 : media.reduce((sum, kind) => sum + (further[`${side}${kind}`] ?? 0), 0);
}

const units: Readonly<Record<`fresh${Medium}` | `cached${Medium}` | `output${Medium}`, Unit | undefined>> = {
  freshAudio: Unit.INPUT_AUDIO_TOKENS,
  freshImage: Unit.INPUT_IMAGE_TOKENS,
  freshVideo: Unit.INPUT_VIDEO_TOKENS,
  cachedAudio: Unit.CACHED_INPUT_AUDIO_TOKENS,
  cachedImage: Unit.CACHED_INPUT_IMAGE_TOKENS,
  // No vendor has a price of its own for it: it stays among the cached tokens.
  cachedVideo: undefined,
  outputAudio: Unit.OUTPUT_AUDIO_TOKENS,
  outputImage: Unit.OUTPUT_IMAGE_TOKENS,
  outputVideo: Unit.OUTPUT_VIDEO_TOKENS,
};

/**
 * The usage with its further units. What is told apart leaves the part that it was counted in, and no more than is there:
 * the tokens of the input, of the cache and of the output are as many as before, whatever the details say.
 */
export function withFurther<U extends BillableUsage>(usage: U, further: FurtherCounts): U {
  const left = {
    fresh: Number(usage.inputTokens),
    cached: Number(usage.cachedInputTokens),
    written: Number(usage.cacheWriteTokens),
    output: Number(usage.outputTokens),
  };
  const more: Quantity[] = [];
  const add = (unit: Unit | undefined, amount: number) => {
    if (unit !== undefined && amount > 0) more.push({ unit, amount: BigInt(amount) });
  };
  /** Takes tokens out of a part; gives how many there were to take. */
  const take = (from: keyof typeof left, tokens: number) => {
    const taken = Math.min(left[from], Math.max(0, tokens));
    left[from] -= taken;
    return taken;
  };
  let cachedWithoutUnit = 0;
  for (const kind of media) {
    const said = further[`input${kind}`] ?? 0;
    let cached = take("cached", further[`cached${kind}`] ?? 0);
    const fresh = take("fresh", said - cached);
    // Tokens beyond the whole uncached input were cached, whether or not the vendor told them apart.
    cached += take("cached", said - cached - fresh);
    add(units[`fresh${kind}`], fresh);
    add(units[`cached${kind}`], cached);
    if (units[`cached${kind}`] === undefined) cachedWithoutUnit += cached;
    add(units[`output${kind}`], take("output", further[`output${kind}`] ?? 0));
  }
  add(Unit.CACHE_WRITE_1H_TOKENS, take("written", further.writtenForHour ?? 0));
  add(Unit.WEB_SEARCHES, further.webSearches ?? 0);
  add(Unit.TOOL_CALLS, further.toolCalls ?? 0);
  add(Unit.SESSIONS, further.sessions ?? 0);
  add(Unit.VENDOR_NANO_USD, further.vendorNanoUsd ?? 0);
  return {
    ...usage,
    inputTokens: BigInt(left.fresh),
    cachedInputTokens: BigInt(left.cached + cachedWithoutUnit),
    cacheWriteTokens: BigInt(left.written),
    outputTokens: BigInt(left.output),
    ...(more.length === 0 ? {} : { more: more.sort((a, b) => a.unit - b.unit) }),
  };
}

/** A usage as clients are told it: in tokens, whatever they are of. */
export interface ToldUsage {
  /** Neither read from a cache nor written to one. */
  readonly fresh: number;
  readonly cached: number;
  readonly written: number;
  /** How much of `written` is kept for an hour. */
  readonly writtenForHour: number;
  /** With the reasoning. */
  readonly output: number;
  readonly reasoning: number;
}

const sides: Readonly<Partial<Record<Unit, "fresh" | "cached" | "written">>> = {
  [Unit.INPUT_AUDIO_TOKENS]: "fresh",
  [Unit.INPUT_IMAGE_TOKENS]: "fresh",
  [Unit.INPUT_VIDEO_TOKENS]: "fresh",
  [Unit.CACHED_INPUT_AUDIO_TOKENS]: "cached",
  [Unit.CACHED_INPUT_IMAGE_TOKENS]: "cached",
  [Unit.CACHE_WRITE_1H_TOKENS]: "written",
};

/** The tokens of a usage as clients count them. */
export function toldUsage(usage: BillableUsage): ToldUsage {
  const told = {
    fresh: Number(usage.inputTokens),
    cached: Number(usage.cachedInputTokens),
    written: Number(usage.cacheWriteTokens),
    writtenForHour: 0,
    output: Number(outputTokensOf(usage)),
    reasoning: Number(usage.reasoningTokens),
  };
  for (const { unit, amount } of usage.more ?? []) {
    const side = sides[unit];
    if (side !== undefined) told[side] += Number(amount);
    if (unit === Unit.CACHE_WRITE_1H_TOKENS) told.writtenForHour += Number(amount);
  }
  return told;
}
