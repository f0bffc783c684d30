import { create } from "@bufbuild/protobuf";
import { type PriceSource, type Pricing, PricingSchema } from "../../../shared/gen/throughline/common/v1/common_pb.ts";

/** A price list as one text: the same prices give the same text, which is stored once (history.term). Empty: none. */
export function pricingText(pricing: Pricing | undefined): string {
  if (pricing === undefined) return "";
  const { strategy } = pricing;
  const numbers = `${pricing.inputNanoUsdPerMtok},${pricing.cachedInputNanoUsdPerMtok},${pricing.cacheWriteNanoUsdPerMtok},${pricing.outputNanoUsdPerMtok},${pricing.reasoningNanoUsdPerMtok},${pricing.imageNanoUsd},${pricing.audioSecondNanoUsd},${pricing.characterNanoUsdPerMchar},${pricing.requestNanoUsd},${pricing.groupRatioPpm},${pricing.source}`;
  return `prices:${numbers}:${strategy}`;
}

const form = /^prices:([-\d,]+):(.*)$/s;

/** The price list that `pricingText` wrote; undefined for the empty text. */
export function parsePricing(text: string): Pricing | undefined {
  const match = form.exec(text);
  if (match === null) return undefined;
  const [list = "", strategy = ""] = match.slice(1);
  const numbers = list.split(",");
  const money = (index: number): bigint => BigInt(numbers[index] ?? 0);
  return create(PricingSchema, {
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
    source: Number(numbers[10] ?? 0) as PriceSource,
  });
}
