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

/** The prices of a strategy: the parts of `common.v1.Pricing` that cost is made of, which that message satisfies. */
export interface Prices {
  /** Nano-USD per million input tokens. */
  readonly inputNanoUsdPerMtok: bigint;
  /** Nano-USD per million cached input tokens. */
  readonly cachedInputNanoUsdPerMtok: bigint;
  /** Nano-USD per million cache-write tokens. */
  readonly cacheWriteNanoUsdPerMtok: bigint;
  /** Nano-USD per million output tokens. */
  readonly outputNanoUsdPerMtok: bigint;
  /** Nano-USD per million reasoning tokens. */
  readonly reasoningNanoUsdPerMtok: bigint;
  /** Nano-USD per image. */
  readonly imageNanoUsd: bigint;
  /** Nano-USD per second of audio. */
  readonly audioSecondNanoUsd: bigint;
  /** Nano-USD per million characters. */
  readonly characterNanoUsdPerMchar: bigint;
  /** Nano-USD per request. */
  readonly requestNanoUsd: bigint;
  /** The group's ratio in parts per million: 1,000,000 is the list price, 0 is free. */
  readonly groupRatioPpm: number;
}

/** Nano-USD in a dollar. */
export const nanoUsdPerUsd = 1_000_000_000n;

const million = 1_000_000n;

/**
 * What a usage costs at these prices, in nano-USD: all parts summed exactly, times the group's ratio, rounded up once.
 * So a request is never charged less than its price, nor more than a nano-dollar above it.
 */
export function costNanoUsd(usage: BillableUsage, prices: Prices): bigint {
  const perMillion =
    usage.inputTokens * prices.inputNanoUsdPerMtok +
    usage.cachedInputTokens * prices.cachedInputNanoUsdPerMtok +
    usage.cacheWriteTokens * prices.cacheWriteNanoUsdPerMtok +
    usage.outputTokens * prices.outputNanoUsdPerMtok +
    usage.reasoningTokens * prices.reasoningNanoUsdPerMtok +
    usage.characters * prices.characterNanoUsdPerMchar;
  const perThousand = usage.audioMs * prices.audioSecondNanoUsd;
  const whole = usage.images * prices.imageNanoUsd + prices.requestNanoUsd;
  const inMillionths = perMillion + perThousand * 1_000n + whole * million;
  return ceilDivide(inMillionths * BigInt(prices.groupRatioPpm), million * million);
}

/** An amount in dollars, exact, without needless zeros: 1234567890n is "1.23456789", -5n is "-0.000000005". */
export function formatUsd(nanoUsd: bigint): string {
  const absolute = nanoUsd < 0n ? -nanoUsd : nanoUsd;
  const fraction = (absolute % nanoUsdPerUsd).toString().padStart(9, "0").replace(/0+$/, "");
  const sign = nanoUsd < 0n ? "-" : "";
  return `${sign}${absolute / nanoUsdPerUsd}${fraction === "" ? "" : `.${fraction}`}`;
}

const usdForm = /^(-?)(\d+)(?:\.(\d{1,9}))?$/;

/**
 * Nano-USD of an amount in dollars: an optional minus, digits, and at most nine decimals. Throws a RangeError at anything
 * else: an amount is never guessed or rounded.
 */
export function parseUsd(text: string): bigint {
  const match = usdForm.exec(text);
  if (match === null) throw new RangeError(`not an amount in USD with at most nine decimals: ${JSON.stringify(text)}`);
  const [, sign = "", dollars = "", fraction = ""] = match;
  const absolute = BigInt(dollars) * nanoUsdPerUsd + BigInt(fraction.padEnd(9, "0"));
  return sign === "-" ? -absolute : absolute;
}

/** Quotient rounded towards plus infinity; the divisor is positive. */
function ceilDivide(dividend: bigint, divisor: bigint): bigint {
  const quotient = dividend / divisor;
  return dividend > 0n && dividend % divisor !== 0n ? quotient + 1n : quotient;
}
