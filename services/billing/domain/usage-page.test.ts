import { expect, test } from "vitest";
import type { Span } from "./usage-cover.ts";
import { fitting, mostSumsOf, mostWithin, type NameSize } from "./usage-page.ts";

test.each([
  ["all where they fit", [2, 2, 1], 5, 3],
  ["those that fit", [2, 2, 2], 5, 2],
  ["one that alone has too many", [9, 1], 5, 1],
  ["none of none", [], 5, 0],
] as const)("a page has of the first names %s", (_name, sizes, mostSums, kept) => {
  const names = sizes.map((sums, i) => ({ sums, i }));
  expect(fitting(names, mostSums)).toEqual(names.slice(0, kept));
});

const dense = { requests: 1_000_000n, most: 31n, hours: 744 };
test.each<readonly [string, NameSize, Span | undefined, number]>([
  ["one of the whole time", dense, undefined, 1],
  ["one for each day that is kept", { ...dense, most: 9n }, "day", 9],
  ["one a day and one for its ends, whatever it is made of", { ...dense, most: 400n }, "day", 32],
  ["24 a day", { ...dense, most: 744n }, "hour", 744],
  ["one an hour, where months are kept and it was there for a day", { ...dense, most: 744n, hours: 24 }, "hour", 24],
  ["one for each request", { ...dense, requests: 3n }, "hour", 3],
  ["one a month and one for its ends", { requests: 5n, most: 90n, hours: 59 * 24 }, "month", 4],
  ["one where only late charges are", { requests: 0n, most: 2n, hours: 40 }, "hour", 1],
])("a name has at most %s", (_name, size, step, most) => {
  expect(mostSumsOf(size, step)).toBe(most);
});

test.each<readonly [Span, Span | undefined, number]>([
  ["month", undefined, 1],
  ["month", "month", 1],
  ["month", "day", 31],
  ["month", "hour", 744],
  ["day", "month", 1],
  ["day", "day", 1],
  ["day", "hour", 24],
  ["hour", "month", 1],
  ["hour", "hour", 1],
])("a sum of a %s is divided by %s into at most %d", (span, step, most) => {
  expect(mostWithin(span, step)).toBe(most);
});
