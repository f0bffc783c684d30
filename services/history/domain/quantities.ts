import type { Quantity } from "../../../shared/money/usage.ts";
import { type UnitEntry, unitNamed, units } from "../../../shared/units.ts";
import { maxLength, type Repairs, repairAmount, repairText } from "./repair.ts";

/** Amounts by the names of their units. */
export type StoredQuantities = Readonly<Record<string, number>>;
/** Values by the names of the traits. */
export type StoredTraits = Readonly<Record<string, string>>;

/** Units that count as tokens of the input, or of the output. */
export const inputTokenUnits = units.filter(({ isInput }) => isInput);
export const outputTokenUnits = units.filter(({ name, isInput }) => name.endsWith("_tokens") && !isInput);

const names: ReadonlyMap<number, string> = new Map(units.map(({ unit, name }) => [unit, name]));

/** A unit as it is stored: by its name; by its number where a newer program sent one that this one does not know. */
export function storedUnit(unit: number): string {
  return names.get(unit) ?? unit.toString();
}

type Unit = UnitEntry["unit"];

/** The unit of its stored name. */
export function unitOfStored(name: string): Unit {
  return unitNamed(name)?.unit ?? (Number(name) as Unit);
}

/** Quantities as they are stored; null: none. */
export function toStoredQuantities(more: readonly Quantity[], repairs: Repairs): StoredQuantities | null {
  if (more.length === 0) return null;
  // No more than 10^15 each, which a number holds exactly.
  return Object.fromEntries(
    more.map(({ unit, amount }) => [storedUnit(unit), Number(repairAmount(amount, repairs))] as const),
  );
}

/** The quantities that were stored, in the order of the units. */
export function fromStoredQuantities(stored: StoredQuantities | null): Quantity[] {
  if (stored === null) return [];
  const more = Object.entries(stored).map(([name, amount]) => ({ unit: unitOfStored(name), amount: BigInt(amount) }));
  return more.sort((a, b) => a.unit - b.unit);
}

/** Traits as they are stored; null: none. What a client chose among them is bounded as names are. */
export function toStoredTraits(traits: Readonly<Record<string, string>>, repairs: Repairs): StoredTraits | null {
  const entries = Object.entries(traits).slice(0, maxTraits);
  if (entries.length === 0) return null;
  const text = (value: string): string => repairText(value, maxLength.name, repairs);
  return Object.fromEntries(entries.map(([name, value]) => [text(name), text(value)] as const));
}

/** More than there are names of. */
const maxTraits = 32;
