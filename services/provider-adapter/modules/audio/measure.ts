import { estimateTextTokens } from "../../../../shared/estimate/text.ts";
import type { Prices } from "../../../../shared/money/prices.ts";
import { type BillableUsage, noUsage, type Quantity } from "../../../../shared/money/usage.ts";
import { Unit } from "../../../../shared/units.ts";
import type { SpokenUsage } from "./transcript.ts";

/** Slowest audio that is believed: 8 kbit/s. No file holds more seconds than that, whatever an upstream says of it. */
const leastBytesPerMs = 1;
/** Vendors count about ten tokens for a second of audio. */
const msPerToken = 100;
/** More tokens than one in so much time are not believed. */
const leastMsPerToken = 10;

/** What is known of the audio and the answer. */
export interface Measured {
  readonly said: SpokenUsage;
  /** By the upstream; undefined: it does not say. */
  readonly durationS: number | undefined;
  /** By the gateway's own count. */
  readonly audioMs: number;
  readonly fileBytes: number;
  readonly prompt: string;
  /** What came of the text. */
  readonly text: string;
}

/**
 * What is charged: seconds where the strategy prices seconds, else tokens. What the upstream does not say is counted by us, so
 * neither a format nor a vendor without usage makes a transcript free.
 */
export function measure(
  measured: Measured,
  prices: Prices | undefined,
): BillableUsage & { readonly estimated: boolean } {
  const { durationS, audioMs, fileBytes, prompt, text } = measured;
  const mostMs = Math.ceil(fileBytes / leastBytesPerMs);
  const said = believed(measured.said, mostMs);
  const saidMs = [said.seconds, durationS].map(msOf).find((one) => one !== undefined && one <= mostMs);
  const ms = saidMs ?? Math.min(audioMs, mostMs);
  const cost = quantity(Unit.VENDOR_NANO_USD, said.costNanoUsd ?? 0);
  if (pricesSeconds(prices) || (said.tokens === undefined && !pricesTokens(prices))) {
    return { ...noUsage, ...listed([...quantity(Unit.INPUT_AUDIO_MS, ms), ...cost]), estimated: saidMs === undefined };
  }
  const tokens = said.tokens ?? {
    text: estimateTextTokens(prompt),
    audio: Math.ceil(ms / msPerToken),
    output: estimateTextTokens(text),
  };
  return {
    ...noUsage,
    inputTokens: BigInt(tokens.text),
    outputTokens: BigInt(tokens.output),
    ...listed([...quantity(Unit.INPUT_AUDIO_TOKENS, tokens.audio), ...cost]),
    estimated: said.tokens === undefined,
  };
}

/** Without tokens that no file of this length has. */
function believed(said: SpokenUsage, mostMs: number): SpokenUsage {
  const { tokens } = said;
  if (tokens === undefined || tokens.audio + tokens.output <= Math.max(1_000, (2 * mostMs) / leastMsPerToken))
    return said;
  return { ...said, tokens: undefined };
}

const secondUnits: readonly Unit[] = [Unit.AUDIO_MS, Unit.INPUT_AUDIO_MS];
const tokenUnits: readonly Unit[] = [Unit.INPUT_TOKENS, Unit.INPUT_AUDIO_TOKENS, Unit.OUTPUT_TOKENS];

function pricesSeconds(prices: Prices | undefined): boolean {
  if (prices === undefined) return false;
  return prices.audioSecondNanoUsd > 0n || prices.rates?.some(({ unit }) => secondUnits.includes(unit)) === true;
}

function pricesTokens(prices: Prices | undefined): boolean {
  if (prices === undefined) return false;
  const { inputNanoUsdPerMtok, outputNanoUsdPerMtok, rates } = prices;
  if (inputNanoUsdPerMtok > 0n || outputNanoUsdPerMtok > 0n) return true;
  return rates?.some(({ unit }) => tokenUnits.includes(unit)) === true;
}

function quantity(unit: Unit, amount: number): Quantity[] {
  return amount > 0 ? [{ unit, amount: BigInt(amount) }] : [];
}

function listed(more: Quantity[]): { more?: Quantity[] } {
  return more.length > 0 ? { more } : {};
}

function msOf(seconds: number | undefined): number | undefined {
  return seconds !== undefined && Number.isFinite(seconds) && seconds > 0 ? Math.ceil(seconds * 1_000) : undefined;
}
