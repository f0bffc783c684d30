import { expect, test } from "vitest";
import type { Span } from "./usage-cover.ts";
import { fitting, mostSumsOf, type NameSize } from "./usage-page.ts";

test.each([
  ["all where they fit", [2, 2, 1], 5, 3],
  ["those that fit", [2, 2, 2], 5, 2],
  ["one that alone has too many", [9, 1], 5, 1],
  ["none of none", [], 5, 0],
] as const)("a page has of the first names %s", (_name, sizes, mostSums, kept) => {
  const names = sizes.map((sums, i) => ({ sums, i }));
  expect(fitting(names, mostSums)).toEqual(names.slice(0, kept));
});

const dense = { requests: 1_000_000n, cells: 31n, hours: 720 };
test.each<readonly [string, NameSize, Span | undefined, Span | undefined, number]>([
  ["one of the whole time", dense, undefined, undefined, 1],
  ["one for each day that it is kept for", { ...dense, cells: 9n }, "day", "day", 9],
  ["one a day, whatever it is made of", { ...dense, cells: 400n }, "day", "day", 31],
  ["24 a day, where hours are counted by days", dense, "day", "hour", 744],
  ["one for each request, where hours are counted by days", { ...dense, requests: 3n }, "day", "hour", 3],
  ["one a month", { requests: 5n, cells: 90n, hours: 59 * 24 }, "month", "month", 4],
  ["one an hour", { requests: 5n, cells: 2n, hours: 40 }, "hour", "hour", 2],
])("a name has at most %s", (_name, size, counted, step, most) => {
  expect(mostSumsOf(size, counted, step)).toBe(most);
});
