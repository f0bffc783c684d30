import { Unit } from "./gen/throughline/common/v1/common_pb.ts";

/** The contract's numbers of the units, for rooms that know no other message of it. */
export { Unit };

/** Where a usage and a price list spell a unit out; the others are in their lists. */
export type UsagePart =
  | "inputTokens"
  | "cachedInputTokens"
  | "cacheWriteTokens"
  | "outputTokens"
  | "reasoningTokens"
  | "images"
  | "audioMs"
  | "characters";
export type PricePart =
  | "inputNanoUsdPerMtok"
  | "cachedInputNanoUsdPerMtok"
  | "cacheWriteNanoUsdPerMtok"
  | "outputNanoUsdPerMtok"
  | "reasoningNanoUsdPerMtok"
  | "imageNanoUsd"
  | "audioSecondNanoUsd"
  | "characterNanoUsdPerMchar"
  | "requestNanoUsd";

/** Name of a unit. */
export type UnitName = Lowercase<Exclude<keyof typeof Unit, "UNSPECIFIED">>;

/** What is known of a unit. */
export interface UnitEntry {
  readonly unit: Unit;
  /** Name in JSON, SQL, tRPC and documents: the contract's in small letters. */
  readonly name: UnitName;
  /** A price is for so many of them. */
  readonly divisor: bigint;
  /** The unit whose price holds where this one has none of its own. Absent: it is free then. */
  readonly parent?: Unit;
  /** Key of its price in the configuration's `prices` and `when`. */
  readonly priceKey: string;
  /** The trait that a table of prices under that key goes by, e.g. {"720p": "0.10"}. Absent: it may have none. */
  readonly priceTrait?: Trait;
  /** Counts as input where a price rises with the length of the input. */
  readonly isInput?: true;
  /** Tokens of the output. */
  readonly isOutput?: true;
  /** The field of `common.v1.Usage` that holds it. Absent: it stands in `more`. */
  readonly part?: UsagePart;
  /** The field of `common.v1.Pricing` that holds its price without conditions. Absent: it stands in `rates`. */
  readonly price?: PricePart;
}

/** Facts of a usage that pick a price. */
export const traits = ["service_tier", "size", "quality", "resolution", "variant"] as const;
export type Trait = (typeof traits)[number];

/** What the value of a trait may be: prices go by it, and the ledger keeps it. Of what an upstream says anything else is no trait. */
export const traitForm = /^[\x21-\x7e]{1,64}$/;

const million = 1_000_000n;
const thousand = 1_000n;

/** Every unit, in the order of their numbers. A unit overlaps with no other: what is counted in one is in no other. */
export const units: readonly UnitEntry[] = [
  {
    ...{ unit: Unit.INPUT_TOKENS, name: "input_tokens", divisor: million, priceKey: "input", isInput: true },
    ...{ part: "inputTokens", price: "inputNanoUsdPerMtok" },
  },
  {
    ...{ unit: Unit.CACHED_INPUT_TOKENS, name: "cached_input_tokens", divisor: million, priceKey: "cached_input" },
    ...{ parent: Unit.INPUT_TOKENS, isInput: true, part: "cachedInputTokens", price: "cachedInputNanoUsdPerMtok" },
  },
  {
    ...{ unit: Unit.CACHE_WRITE_TOKENS, name: "cache_write_tokens", divisor: million, priceKey: "cache_write" },
    ...{ parent: Unit.INPUT_TOKENS, isInput: true, part: "cacheWriteTokens", price: "cacheWriteNanoUsdPerMtok" },
  },
  {
    ...{ unit: Unit.OUTPUT_TOKENS, name: "output_tokens", divisor: million, priceKey: "output" },
    ...{ isOutput: true, part: "outputTokens", price: "outputNanoUsdPerMtok" },
  },
  {
    ...{ unit: Unit.REASONING_TOKENS, name: "reasoning_tokens", divisor: million, priceKey: "reasoning" },
    ...{ parent: Unit.OUTPUT_TOKENS, isOutput: true, part: "reasoningTokens", price: "reasoningNanoUsdPerMtok" },
  },
  {
    ...{ unit: Unit.IMAGES, name: "images", divisor: 1n, priceKey: "image", priceTrait: "size" },
    ...{ part: "images", price: "imageNanoUsd" },
  },
  {
    ...{ unit: Unit.AUDIO_MS, name: "audio_ms", divisor: thousand, priceKey: "audio_second" },
    ...{ part: "audioMs", price: "audioSecondNanoUsd" },
  },
  {
    ...{ unit: Unit.CHARACTERS, name: "characters", divisor: million, priceKey: "characters" },
    ...{ part: "characters", price: "characterNanoUsdPerMchar" },
  },
  { unit: Unit.REQUESTS, name: "requests", divisor: 1n, priceKey: "request", price: "requestNanoUsd" },
  {
    ...{ unit: Unit.CACHE_WRITE_1H_TOKENS, name: "cache_write_1h_tokens", divisor: million, isInput: true },
    ...{ priceKey: "cache_write_1h", parent: Unit.CACHE_WRITE_TOKENS },
  },
  {
    ...{ unit: Unit.INPUT_IMAGE_TOKENS, name: "input_image_tokens", divisor: million, isInput: true },
    ...{ priceKey: "input_image", parent: Unit.INPUT_TOKENS },
  },
  {
    ...{ unit: Unit.CACHED_INPUT_IMAGE_TOKENS, name: "cached_input_image_tokens", divisor: million, isInput: true },
    ...{ priceKey: "cached_input_image", parent: Unit.CACHED_INPUT_TOKENS },
  },
  {
    ...{ unit: Unit.OUTPUT_IMAGE_TOKENS, name: "output_image_tokens", divisor: million, isOutput: true },
    ...{ priceKey: "output_image", parent: Unit.OUTPUT_TOKENS },
  },
  {
    ...{ unit: Unit.INPUT_AUDIO_TOKENS, name: "input_audio_tokens", divisor: million, isInput: true },
    ...{ priceKey: "input_audio", parent: Unit.INPUT_TOKENS },
  },
  {
    ...{ unit: Unit.CACHED_INPUT_AUDIO_TOKENS, name: "cached_input_audio_tokens", divisor: million, isInput: true },
    ...{ priceKey: "cached_input_audio", parent: Unit.CACHED_INPUT_TOKENS },
  },
  {
    ...{ unit: Unit.OUTPUT_AUDIO_TOKENS, name: "output_audio_tokens", divisor: million, isOutput: true },
    ...{ priceKey: "output_audio", parent: Unit.OUTPUT_TOKENS },
  },
  {
    ...{ unit: Unit.INPUT_VIDEO_TOKENS, name: "input_video_tokens", divisor: million, isInput: true },
    ...{ priceKey: "input_video", parent: Unit.INPUT_TOKENS },
  },
  {
    ...{ unit: Unit.OUTPUT_VIDEO_TOKENS, name: "output_video_tokens", divisor: million, isOutput: true },
    ...{ priceKey: "output_video", parent: Unit.OUTPUT_TOKENS },
  },
  { unit: Unit.INPUT_IMAGES, name: "input_images", divisor: 1n, priceKey: "given_image" },
  { unit: Unit.INPUT_KILOPIXELS, name: "input_kilopixels", divisor: 1n, priceKey: "kilopixel" },
  {
    ...{ unit: Unit.INPUT_AUDIO_MS, name: "input_audio_ms", divisor: thousand },
    ...{ priceKey: "input_audio_second", parent: Unit.AUDIO_MS },
  },
  {
    ...{ unit: Unit.OUTPUT_AUDIO_MS, name: "output_audio_ms", divisor: thousand },
    ...{ priceKey: "output_audio_second", parent: Unit.AUDIO_MS },
  },
  { unit: Unit.INPUT_VIDEO_MS, name: "input_video_ms", divisor: thousand, priceKey: "input_video_second" },
  {
    ...{ unit: Unit.OUTPUT_VIDEO_MS, name: "output_video_ms", divisor: thousand },
    ...{ priceKey: "video_second", priceTrait: "resolution" },
  },
  { unit: Unit.PAGES, name: "pages", divisor: 1n, priceKey: "page" },
  { unit: Unit.SEARCHES, name: "searches", divisor: 1n, priceKey: "search" },
  { unit: Unit.WEB_SEARCHES, name: "web_searches", divisor: 1n, priceKey: "web_search" },
  { unit: Unit.TOOL_CALLS, name: "tool_calls", divisor: 1n, priceKey: "tool_call" },
  { unit: Unit.SESSIONS, name: "sessions", divisor: 1n, priceKey: "session" },
  { unit: Unit.VENDOR_NANO_USD, name: "vendor_nano_usd", divisor: 1_000_000_000n, priceKey: "vendor_cost" },
];

const byUnit: ReadonlyMap<Unit, UnitEntry> = new Map(units.map((entry) => [entry.unit, entry]));
const byName: ReadonlyMap<string, UnitEntry> = new Map(units.map((entry) => [entry.name, entry]));

/** What is known of a unit. Throws a RangeError for a number that is none. */
export function unitEntry(unit: Unit): UnitEntry {
  const entry = byUnit.get(unit);
  if (entry === undefined) throw new RangeError(`there is no unit ${unit}`);
  return entry;
}

/** The unit of a name; undefined for what is none. */
export function unitNamed(name: string): UnitEntry | undefined {
  return byName.get(name);
}

/** The units that a usage spells out. */
export const partUnits: readonly (UnitEntry & { readonly part: UsagePart })[] = units.filter(
  (entry): entry is UnitEntry & { readonly part: UsagePart } => entry.part !== undefined,
);

/** The units whose price without conditions a price list spells out. */
export const priceUnits: readonly (UnitEntry & { readonly price: PricePart })[] = units.filter(
  (entry): entry is UnitEntry & { readonly price: PricePart } => entry.price !== undefined,
);
