import { fewAlike } from "../../../shared/few-alike.ts";
import {
  DisconnectPolicy,
  type Pricing,
  Unit,
  type Usage,
} from "../../../shared/gen/throughline/common/v1/common_pb.ts";
import { memoFrozen } from "../../../shared/memo-frozen.ts";
import { costNanoUsd } from "../../../shared/money/cost.ts";
import type { BillableUsage } from "../../../shared/money/usage.ts";
import { partUnits, priceUnits } from "../../../shared/units.ts";
import { maxGeneration, maxId, maxNanoUsd, maxUsagePart } from "../domain/amounts.ts";
import type { DisconnectPolicy as PolicyName } from "../domain/settlement.ts";
import { ofList, type Tariff } from "../domain/tariff.ts";
import { invalid } from "./invalid.ts";
import { checkQuantities, checkRates, checkTraits } from "./vectors.ts";

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

/** A usage of which every part is in range. Throws invalid_value with the path of what is not. */
export function checkedUsage(usage: Usage, param: string): Usage {
  for (const { part } of partUnits) {
    if (usage[part] > maxUsagePart) throw invalid(param, "has a count above 10^15");
  }
  if (usage.more.length > 0) checkQuantities(usage.more, `${param}.more`);
  checkTraits(usage.traits, `${param}.traits`);
  return usage;
}

/** The field of the contract that holds prices. */
const pricingField = "pricing";

/** Prices of which none is negative or beyond reason. Throws invalid_value with the path of what is. */
export const checkedPricing: (pricing: Pricing) => Pricing = memoFrozen((pricing: Pricing): Pricing => {
  for (const { price } of priceUnits) {
    if (pricing[price] < 0n || pricing[price] > maxNanoUsd)
      throw invalid(pricingField, "has a price below 0 or above 10^18");
  }
  if (pricing.rates.length > 0) checkRates(pricing.rates, `${pricingField}.rates`);
  if (pricing.listPricing !== undefined) checkedPricing(pricing.listPricing);
  return pricing;
});

/** What a request did, apart from its price. */
export type Work = Pick<Tariff, "module" | "model" | "dialect" | "group" | "channel" | "platform">;

/** Most tariffs of one price that are remembered: a price has a few for each model, dialect, group and channel. */
const maxRemembered = 32;

const tariffsAt = memoFrozen((pricing: Pricing) =>
  fewAlike(maxRemembered, isSameWork, (work: Work) => newTariff(pricing, work)),
);

/**
 * The tariff of work at these prices. Of frozen prices the same work gives the same tariff, so that what is known of it needs
 * no look into its texts.
 */
export function toTariff(pricing: Pricing, work: Work): Tariff {
  return Object.isFrozen(pricing) ? tariffsAt(pricing)(work) : newTariff(pricing, work);
}

function isSameWork(one: Work, other: Work): boolean {
  return (
    one.model === other.model &&
    one.channel === other.channel &&
    one.group === other.group &&
    one.dialect === other.dialect &&
    one.module === other.module &&
    one.platform === other.platform
  );
}

function newTariff(pricing: Pricing, work: Work): Tariff {
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
    rates: pricing.rates,
    list: toList(pricing),
  };
}

const unlisted = { strategy: "list", isListPrice: false, listPricing: undefined };

function toList(pricing: Pricing): Tariff["list"] {
  if (pricing.isListPrice) return "own";
  const { listPricing } = pricing;
  return listPricing && newTariff({ ...listPricing, ...unlisted, groupRatioPpm: ratioOfList(listPricing) }, ofList);
}

/** What the same usage costs by the vendor's list, in nano-USD; undefined: not known. Where the vendor says its own cost, that is it. */
export function listPriceOf(usage: BillableUsage, pricing: Pricing | undefined): bigint | undefined {
  const said = usage.more?.find(({ unit }) => unit === Unit.VENDOR_NANO_USD);
  if (said !== undefined) return said.amount;
  if (pricing?.isListPrice === true) return costNanoUsd(usage, { ...pricing, groupRatioPpm: wholeRatioPpm });
  const list = pricing?.listPricing;
  return list && costNanoUsd(usage, { ...list, groupRatioPpm: ratioOfList(list) });
}

/** The part of a list's prices that the way of calling costs there; most callers say none, which is all of it. */
function ratioOfList({ groupRatioPpm }: Pricing): number {
  return groupRatioPpm === 0 ? wholeRatioPpm : groupRatioPpm;
}

/** The ratio of a price as the list has it. */
const wholeRatioPpm = 1_000_000;
