import { asObject, type JsonObject } from "../wire/json.ts";

/** Most that is believed of one answer, in nano-USD: as much as a quantity may be. */
const maxNanoUsd = 10n ** 15n;
/** A decimal number as JSON writes it, none below 0. */
const decimalForm = /^(\d{1,30})(?:\.(\d{1,60}))?(?:[eE]([+-]?\d{1,2}))?$/;

/**
 * What an upstream says that an answer cost, in nano-USD, rounded up; undefined: it says nothing, or nothing that can be a cost.
 *
 * - OpenRouter: `cost` in USD, always there ("Usage Accounting"). With a key of one's own (`is_byok`) it is OpenRouter's fee
 *   alone, and `cost_details.upstream_inference_cost` what the provider takes beside it.
 * - xAI: `cost_in_usd_ticks`, 10^10 to the dollar (docs.x.ai, "Cost Tracking").
 */
export function vendorCostOf(usage: JsonObject): number | undefined {
  if (usage.cost_in_usd_ticks !== undefined) return toNano(usage.cost_in_usd_ticks, -10);
  if (usage.cost === undefined) return undefined;
  const own = toNano(usage.cost, 0);
  if (usage.is_byok !== true) return own;
  const upstream = toNano(asObject(usage.cost_details)?.upstream_inference_cost, 0);
  if (own === undefined && upstream === undefined) return undefined;
  const sum = (own ?? 0) + (upstream ?? 0);
  return sum > Number(maxNanoUsd) ? undefined : sum;
}

/**
 * Nano-USD of a number times a power of ten. It is reckoned with the digits: those of a double are the shortest that mean it, so
 * what the upstream wrote with up to 15 digits is what is charged, and 0.1 is not a little more than a tenth.
 */
function toNano(value: unknown, power: number): number | undefined {
  if (typeof value !== "number" && typeof value !== "string") return undefined;
  const [, whole, fraction = "", exponent = "0"] = decimalForm.exec(String(value)) ?? [];
  if (whole === undefined) return undefined;
  const digits = BigInt(whole + fraction);
  const scale = 9 + power + Number(exponent) - fraction.length;
  const nano = scale >= 0 ? digits * 10n ** BigInt(scale) : ceilDivide(digits, 10n ** BigInt(-scale));
  return nano > maxNanoUsd ? undefined : Number(nano);
}

function ceilDivide(dividend: bigint, divisor: bigint): bigint {
  return (dividend + divisor - 1n) / divisor;
}
