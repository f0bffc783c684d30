/**
 * What many records share, as one value that is stored once. A platform has as many shapes as it has combinations of
 * model, channel, strategy, price and dialect in use (hundreds, not millions), and a few dozen outcomes: 8 bytes a record
 * stand for what would be ten columns.
 */
export interface Shape {
  readonly model: string;
  readonly platform: string;
  readonly channel: string;
  readonly strategy: string;
  readonly dialect: string;
  readonly module: number;
  readonly policy: number;
  readonly store: number;
  /** Empty: none. */
  readonly prices: Prices | "";
}

/** A price list: the strategy that set it, then the numbers of the contract's Pricing in the order of its fields. */
export type Prices = readonly [strategy: string, ...numbers: string[]];

/** How a request ended. */
export interface Outcome {
  readonly error: string;
  /** Why it was charged as it was. */
  readonly reason: string;
  readonly http: number;
}

/** A price list as the contract has it. */
export interface PricingLike {
  readonly strategy: string;
  readonly inputNanoUsdPerMtok: bigint;
  readonly cachedInputNanoUsdPerMtok: bigint;
  readonly cacheWriteNanoUsdPerMtok: bigint;
  readonly outputNanoUsdPerMtok: bigint;
  readonly reasoningNanoUsdPerMtok: bigint;
  readonly imageNanoUsd: bigint;
  readonly audioSecondNanoUsd: bigint;
  readonly characterNanoUsdPerMchar: bigint;
  readonly requestNanoUsd: bigint;
  readonly groupRatioPpm: number;
  readonly source: number;
}

/** A price list as it is stored. */
export function toPrices(pricing: PricingLike | undefined, strategy: string): Prices | "" {
  if (pricing === undefined) return "";
  return [
    strategy,
    pricing.inputNanoUsdPerMtok.toString(),
    pricing.cachedInputNanoUsdPerMtok.toString(),
    pricing.cacheWriteNanoUsdPerMtok.toString(),
    pricing.outputNanoUsdPerMtok.toString(),
    pricing.reasoningNanoUsdPerMtok.toString(),
    pricing.imageNanoUsd.toString(),
    pricing.audioSecondNanoUsd.toString(),
    pricing.characterNanoUsdPerMchar.toString(),
    pricing.requestNanoUsd.toString(),
    pricing.groupRatioPpm.toString(),
    pricing.source.toString(),
  ];
}

/** The price list that was stored; undefined: there was none. */
export function fromPrices(prices: Prices | ""): PricingLike | undefined {
  if (prices === "") return undefined;
  const [strategy, ...numbers] = prices;
  const money = (index: number): bigint => BigInt(numbers[index] ?? 0);
  return {
    strategy,
    inputNanoUsdPerMtok: money(0),
    cachedInputNanoUsdPerMtok: money(1),
    cacheWriteNanoUsdPerMtok: money(2),
    outputNanoUsdPerMtok: money(3),
    reasoningNanoUsdPerMtok: money(4),
    imageNanoUsd: money(5),
    audioSecondNanoUsd: money(6),
    characterNanoUsdPerMchar: money(7),
    requestNanoUsd: money(8),
    groupRatioPpm: Number(numbers[9] ?? 0),
    source: Number(numbers[10] ?? 0),
  };
}

/** A shape without anything, for records whose term cannot be found. */
export const emptyShape: Shape = {
  model: "",
  platform: "",
  channel: "",
  strategy: "",
  dialect: "",
  module: 0,
  policy: 0,
  store: 0,
  prices: "",
};

/** Likewise. */
export const emptyOutcome: Outcome = { error: "", reason: "", http: 0 };
