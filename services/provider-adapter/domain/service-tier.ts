import type { Prices } from "../../../shared/money/prices.ts";
import { partUnits, type UnitEntry, unitEntry } from "../../../shared/units.ts";
import { fieldValue } from "../wire/patch-json.ts";
import type { Asked } from "./exchange.ts";

/** Words for service at the model's price. The vendor may choose (auto); what it chose is said in the answer. */
const standard: ReadonlySet<string> = new Set(["auto", "default", "standard", "standard_only", "on_demand"]);
/** Tiers that cost less than the model's price, or nothing a request (capacity that is bought ahead). */
const notDearer: ReadonlySet<string> = new Set([...standard, "flex", "batch", "scale"]);
/** What may be the name of a tier: prices go by it, and it is kept in the ledger. */
const tierForm = /^[a-z0-9][a-z0-9_-]{0,31}$/;

/** The tier that an upstream says it used, as prices name it; undefined: the standard, or it said none. */
export function tierUsed(said: unknown): string | undefined {
  if (typeof said !== "string") return undefined;
  const name = said.toLowerCase();
  return standard.has(name) || !tierForm.test(name) ? undefined : name;
}

/**
 * The dearer tier that a request asks for and that has prices, so that it went on to the upstream: an answer that does not say
 * its tier is charged by it. Undefined, as a rule: none. One that is cheaper counts only where the upstream says that it served it.
 */
export function tierAsked(asked: Pick<Asked, "body" | "prices"> | undefined): string | undefined {
  if (asked?.prices?.rates?.some(({ when }) => when?.traits.service_tier !== undefined) !== true) return undefined;
  const { body, prices } = asked;
  // Gemini's clients spell it in camel case.
  const tier = fieldValue(body, "service_tier") ?? fieldValue(body, "serviceTier");
  const asks = [
    fieldValue(body, "speed") === "fast" ? "fast" : undefined,
    typeof tier === "string" ? tierAs(tier) : undefined,
  ];
  return asks.find((name) => name !== undefined && mayBeDearer(name) && isTierPriced(prices, name));
}

/** The name by which a tier that is asked for is answered, and so charged: OpenAI's "fast" is "priority" (openai 7, completions.d.ts). */
export function tierAs(asked: string): string {
  return asked === "fast" ? "priority" : asked.toLowerCase();
}

/** True: a request for this tier may cost more than the model's price. Of a tier that is not known that is assumed. */
export function mayBeDearer(tier: string): boolean {
  return !notDearer.has(tier.toLowerCase());
}

/**
 * True: whatever tokens a request in this tier uses have a price for it. One that is missing would be charged as in the
 * standard tier, below what it costs.
 */
export function isTierPriced(prices: Prices | undefined, tier: string): boolean {
  const rates = prices?.rates ?? [];
  const priced = new Set(rates.filter(({ when }) => when?.traits.service_tier === tier).map(({ unit }) => unit));
  if (prices === undefined || priced.size === 0) return false;
  const charged = [
    ...partUnits.filter(({ price }) => price !== undefined && prices[price] > 0n),
    ...rates.map(({ unit }) => unitEntry(unit)),
  ];
  return charged.every((entry) => !isToken(entry) || priced.has(entry.unit));
}

function isToken({ isInput, isOutput }: UnitEntry): boolean {
  return isInput === true || isOutput === true;
}
