import { ThroughlineError } from "../../../shared/errors/error.ts";
import { DisconnectPolicy, type Pricing, type Usage } from "../../../shared/gen/throughline/common/v1/common_pb.ts";
import type { BillableUsage, Prices } from "../../../shared/money.ts";
import { maxGeneration, maxId, maxNanoUsd, maxUsagePart } from "../domain/amounts.ts";
import type { DisconnectPolicy as PolicyName } from "../domain/settlement.ts";
import type { Tariff } from "../domain/tariff.ts";

/** Names of the disconnect policies; not said means charge_delivered. */
export const policyNames: Readonly<Record<DisconnectPolicy, PolicyName>> = {
  [DisconnectPolicy.UNSPECIFIED]: "charge_delivered",
  [DisconnectPolicy.CHARGE_DELIVERED]: "charge_delivered",
  [DisconnectPolicy.DRAIN]: "drain",
  [DisconnectPolicy.REFUND]: "refund",
};

/** The request ID, which must be an ID that the platform issues. */
export function checkedRequestId(requestId: bigint): bigint {
  if (requestId < 1n || requestId > maxId) throw invalid("call.request_id", "must be a request ID of the platform");
  return requestId;
}

/** An ID of the database. */
export function checkedId(id: bigint, param: string): bigint {
  if (id < 1n) throw invalid(param, "must be a positive ID");
  return id;
}

/** A generation of a secret, or 0: as far as the column counts. */
export function checkedGeneration(generation: number, param: string): number {
  if (generation > maxGeneration) throw invalid(param, "must be at most 2^31 - 1");
  return generation;
}

/** Longest text of one field, in UTF-16 units. */
const maxTextLength = 512;

/** A text that PostgreSQL can keep: bounded, without U+0000, without lone surrogates. */
export function checkedText(text: string, param: string, maxLength = maxTextLength): string {
  if (text.length > maxLength) throw invalid(param, `must have at most ${maxLength} characters`);
  if (text.includes("\0")) throw invalid(param, "must not contain a NUL character");
  return text.isWellFormed() ? text : text.toWellFormed();
}

const usageParts = [
  "inputTokens",
  "cachedInputTokens",
  "cacheWriteTokens",
  "outputTokens",
  "reasoningTokens",
  "images",
  "audioMs",
  "characters",
] as const satisfies readonly (keyof BillableUsage)[];

/** A usage of which every part is in range. */
export function checkedUsage(usage: Usage, param: string): Usage {
  for (const part of usageParts) {
    if (usage[part] > maxUsagePart) throw invalid(param, "has a count above 10^15");
  }
  return usage;
}

const priceParts = [
  "inputNanoUsdPerMtok",
  "cachedInputNanoUsdPerMtok",
  "cacheWriteNanoUsdPerMtok",
  "outputNanoUsdPerMtok",
  "reasoningNanoUsdPerMtok",
  "imageNanoUsd",
  "audioSecondNanoUsd",
  "characterNanoUsdPerMchar",
  "requestNanoUsd",
] as const satisfies readonly (keyof Prices)[];

/** Prices of which none is negative or beyond reason. */
export function checkedPricing(pricing: Pricing, param: string): Pricing {
  for (const part of priceParts) {
    if (pricing[part] < 0n || pricing[part] > maxNanoUsd) throw invalid(param, "has a price below 0 or above 10^18");
  }
  return pricing;
}

/** What a request did, apart from its price. */
export type Work = Pick<Tariff, "module" | "model" | "dialect" | "group" | "channel" | "platform">;

/** The tariff of work at these prices. */
export function toTariff(pricing: Pricing, work: Work): Tariff {
  return {
    ...work,
    strategy: checkedText(pricing.strategy, "pricing.strategy"),
    priceSource: pricing.source,
    inputNanoUsdPerMtok: pricing.inputNanoUsdPerMtok,
    cachedInputNanoUsdPerMtok: pricing.cachedInputNanoUsdPerMtok,
    cacheWriteNanoUsdPerMtok: pricing.cacheWriteNanoUsdPerMtok,
    outputNanoUsdPerMtok: pricing.outputNanoUsdPerMtok,
    reasoningNanoUsdPerMtok: pricing.reasoningNanoUsdPerMtok,
    imageNanoUsd: pricing.imageNanoUsd,
    audioSecondNanoUsd: pricing.audioSecondNanoUsd,
    characterNanoUsdPerMchar: pricing.characterNanoUsdPerMchar,
    requestNanoUsd: pricing.requestNanoUsd,
    groupRatioPpm: pricing.groupRatioPpm,
  };
}

/** `invalid_value` for a field of the contract. */
export function invalid(param: string, what: string): ThroughlineError {
  return new ThroughlineError("invalid_value", `${param} ${what}.`, { param });
}
