import { expect, test } from "vitest";
import { Unit } from "./gen/throughline/common/v1/common_pb.ts";
import { moduleNameOf, moduleNames, moduleOf } from "./modules.ts";
import { unitEntry, unitNamed, units } from "./units.ts";

test("every unit of the contract has one entry, in the order of their numbers", () => {
  const numbers = Object.values(Unit).filter((unit) => typeof unit === "number" && unit !== Unit.UNSPECIFIED);
  expect(units.map(({ unit }) => unit)).toEqual(numbers);
});

test("names and keys of prices are each there once", () => {
  expect(new Set(units.map(({ name }) => name)).size).toBe(units.length);
  expect(new Set(units.map(({ priceKey }) => priceKey)).size).toBe(units.length);
  for (const entry of units) expect(unitNamed(entry.name)).toBe(entry);
});

test("a unit's parent counts in the same pieces, and ends at a unit without one", () => {
  for (const entry of units) {
    const seen = new Set([entry.unit]);
    for (let { parent } = entry; parent !== undefined; { parent } = unitEntry(parent)) {
      expect(seen.has(parent), entry.name).toBe(false);
      expect(unitEntry(parent).divisor, entry.name).toBe(entry.divisor);
      seen.add(parent);
    }
  }
});

test("every module's name leads back to it", () => {
  expect(moduleNames.map(moduleOf).map(moduleNameOf)).toEqual(moduleNames);
});
