import { Unit } from "../../../shared/gen/throughline/common/v1/common_pb.ts";
import { maxRateNanoUsd, maxRates, type Rate } from "../../../shared/money/prices.ts";
import type { Quantity } from "../../../shared/money/usage.ts";
import { traits as traitNames, units } from "../../../shared/units.ts";
import { maxUsagePart } from "../domain/amounts.ts";
import { invalid } from "./invalid.ts";

/** Longest value of a trait, in UTF-16 units. */
const maxTraitLength = 64;

const known: ReadonlySet<number> = new Set(units.map(({ unit }) => unit));
/** Units that a usage may hold in its list: those that have no field, apart from the request itself. */
const further: ReadonlySet<number> = new Set(
  units.filter(({ unit, part }) => part === undefined && unit !== Unit.REQUESTS).map(({ unit }) => unit),
);
const names: ReadonlySet<string> = new Set(traitNames);

/** Throws invalid_value for quantities that are no list of further units, each once, each from 1 to 10^15. */
export function checkQuantities(more: readonly Quantity[], param: string): void {
  const seen = new Set<number>();
  for (const [i, { unit, amount }] of more.entries()) {
    const at = `${param}[${i}]`;
    if (!known.has(unit)) throw invalid(`${at}.unit`, "must be a unit");
    if (!further.has(unit)) throw invalid(`${at}.unit`, "must not be a unit that the usage spells out");
    if (seen.has(unit)) throw invalid(`${at}.unit`, "must not be given twice");
    if (amount < 1n || amount > maxUsagePart) throw invalid(`${at}.amount`, "must be from 1 to 10^15");
    seen.add(unit);
  }
}

/** Throws invalid_value for traits that there are not, or whose values are too long or no text. */
export function checkTraits(traits: Readonly<Record<string, string>>, param: string): void {
  for (const name in traits) {
    const value = traits[name] ?? "";
    const at = `${param}.${names.has(name) ? name : "*"}`;
    if (!names.has(name)) throw invalid(at, `must be one of ${traitNames.join(", ")}`);
    if (value.length > maxTraitLength) throw invalid(at, `must have at most ${maxTraitLength} characters`);
    if (value.includes("\0") || !value.isWellFormed()) throw invalid(at, "must be text without NUL characters");
  }
}

/** Throws invalid_value for rates that are too many, of no unit, below 0 or above 10^15, or under no condition that there is. */
export function checkRates(rates: readonly Rate[], param: string): void {
  if (rates.length > maxRates) throw invalid(param, `must be at most ${maxRates}`);
  for (const [i, { unit, nanoUsd, when }] of rates.entries()) {
    const at = `${param}[${i}]`;
    if (!known.has(unit)) throw invalid(`${at}.unit`, "must be a unit");
    if (nanoUsd < 0n || nanoUsd > maxRateNanoUsd) throw invalid(`${at}.nano_usd`, "must be from 0 to 10^15");
    if (when === undefined) continue;
    if (when.aboveInputTokens > maxUsagePart) throw invalid(`${at}.when.above_input_tokens`, "must be at most 10^15");
    checkTraits(when.traits, `${at}.when.traits`);
  }
}
