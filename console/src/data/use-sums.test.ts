import { expect, test } from "vitest";
import { readSums } from "./use-sums.ts";

type Read = Parameters<typeof readSums>[0];
type Page = Awaited<ReturnType<Read>>;

const sum = {
  ...{ title: null, other: false, requests: 1, charged_usd: "0", list_price_usd: null },
  ...{ listed_requests: 0, margin_usd: null, usage: null },
};
/** Each page has one name, with two sums. */
const names = ["a", "b", "c"];
const page = (at: number): Page => ({
  sums: ["2026-11-01T00:00:00.000Z", "2026-11-01T01:00:00.000Z"].map((time) => ({
    ...sum,
    name: names[at] ?? "",
    time,
  })),
  next_cursor: at + 1 < names.length ? String(at + 1) : null,
  rest: null,
});

test.each([
  ["all names", undefined, ["a", "b", "c"], [undefined, undefined, undefined]],
  ["as many names as are wanted", 2, ["a", "b"], [2, 1]],
  ["all names where there are fewer than are wanted", 6, ["a", "b", "c"], [6, 5, 4]],
] as const)("sums are read page by page: %s", async (_name, most, found, limits) => {
  const asked: Parameters<Read>[0][] = [];
  const read: Read = async (input) => {
    asked.push(input);
    return page(Number(input.cursor ?? 0));
  };
  const sums = await readSums(read, { from: "2026-11-01", to: "2026-11-02", step: "hour" }, most);
  expect(sums.map(({ name }) => name)).toEqual(found.flatMap((name) => [name, name]));
  expect(asked.map(({ limit }) => limit)).toEqual(limits);
});
