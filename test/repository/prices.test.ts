import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { leftOutNames, tableNames } from "../../services/routing/domain/table-names.ts";
import { unitEntry, units } from "../../shared/units.ts";

const text = readFileSync(new URL("../../docs/billing.md", import.meta.url), "utf8");

/** The rows of the table under a heading line that begins like this. */
function rowsOf(head: string): string[] {
  const lines = text.split("\n");
  const start = lines.findIndex((line) => line.startsWith(head)) + 2;
  return lines.slice(
    start,
    lines.findIndex((line, i) => i >= start && !line.startsWith("|")),
  );
}

test("billing.md has a row for every unit: its price, what that is for, what holds without it, its names in the price table", () => {
  const pieces = new Map([
    [1_000_000_000n, "a dollar"],
    [1_000_000n, "a million"],
    [1_000n, "a second"],
    [1n, "one"],
  ]);
  const expected = units.map(({ unit, name, priceKey, divisor, parent }) => {
    // A general name of the table stands at the unit that it means in the first place.
    const names = tableNames.filter((entry) => tableNames.find(({ name }) => name === entry.name) === entry);
    const own = names.filter((entry) => entry.unit === unit).map((entry) => `\`${entry.name}\``);
    const otherwise = parent === undefined ? "nothing" : `\`${unitEntry(parent).priceKey}\``;
    return `| \`${priceKey}\` | \`${name}\` | ${pieces.get(divisor)} | ${otherwise} | ${own.join(", ") || "-"} |`;
  });
  expect(rowsOf("| Key of the price |")).toEqual(expected);
});

test("billing.md has every price of the table that is left out, with the reason", () => {
  const told = rowsOf("| Left out |").flatMap((row) => {
    const [, names = "", reason = ""] = row.split("|").map((cell) => cell.trim());
    return names.split(", ").map((name) => [name.replaceAll("`", ""), reason]);
  });
  expect(Object.fromEntries(told)).toEqual(leftOutNames);
});
