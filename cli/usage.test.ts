import { expect, test } from "vitest";
import { allPages, moreOf, usageCsv } from "./usage.ts";

const sum = {
  ...{ name: "ann", title: null, other: false, time: null, requests: 2, charged_usd: "0.5" },
  ...{ list_price_usd: null, listed_requests: 0, margin_usd: null, usage: null },
};
const lines = (sums: Parameters<typeof usageCsv>[0]) => usageCsv(sums).split("\r\n");

test("sums as CSV have the same columns whatever was used, and empty cells for what is not known", () => {
  const [header, first, end, ...rest] = lines([sum]);
  expect(header).toMatch(
    /^time,name,title,requests,charged_usd,list_price_usd,listed_requests,margin_usd,estimated,input_tokens,/,
  );
  expect(first).toMatch(/^,ann,,2,0\.5,,0,,,/);
  expect(first?.split(",")).toHaveLength(header?.split(",").length ?? 0);
  expect([end, rest]).toEqual(["", []]);
  expect(lines([])).toEqual([header, ""]);
});

test.each([
  ["=1+1", "'=1+1"],
  ["+1", "'+1"],
  ["-2", "'-2"],
  ["@cmd", "'@cmd"],
  [" =1", "' =1"],
  ["\t=1", "'\t=1"],
  ['say "hi", all', '"say ""hi"", all"'],
  ["two\nlines", '"two\nlines"'],
  ["团队", "团队"],
  ["a=b", "a=b"],
])("a name %j is written as %j: quoted by RFC 4180, and no formula", (name, written) => {
  expect(usageCsv([{ ...sum, name }]).split("\r\n")[1]).toMatch(`,${written},,2,`);
});

test("amounts are numbers, also where they are below zero, and what is not told apart has a name", () => {
  const [, line] = lines([
    { ...sum, name: "", other: true, list_price_usd: "0.7", listed_requests: 1, margin_usd: "-0.2" },
  ]);
  expect(line).toMatch(/^,\(other\),,2,0\.5,0\.7,1,-0\.2,/);
});

test("all pages are one, and each sum is there once", async () => {
  const named = (name: string, requests: number) => ({ ...sum, name, requests });
  const rest = { names: 1, requests: 1, charged_usd: "0" };
  const pages = new Map([
    [undefined, { sums: [named("ann", 2), { ...named("", 9), other: true }], next_cursor: "2", rest }],
    ["2", { sums: [named("ann", 3), named("", 1)], next_cursor: "3", rest }],
    [
      "3",
      {
        sums: [{ ...named("bob", 1), time: "2026-11-01T00:00:00.000Z" }, named("bob", 1)],
        next_cursor: null,
        rest: null,
      },
    ],
  ]);
  const { sums, ...end } = await allPages(async (cursor) => {
    const page = pages.get(cursor);
    if (page === undefined) throw new Error(`no page ${cursor}`);
    return page;
  });
  expect(sums.map(({ name, requests, other, time }) => [name, requests, other, time !== null])).toEqual([
    ["ann", 3, false, false],
    ["", 9, true, false],
    ["", 1, false, false],
    ["bob", 1, false, true],
    ["bob", 1, false, false],
  ]);
  expect(end).toEqual({ next_cursor: null, rest: null });
});

test("a gateway from before there were pages gives all sums at once", async () => {
  const older = JSON.parse(JSON.stringify({ sums: [sum] }));
  expect(await allPages(async () => older)).toEqual({ sums: [sum], next_cursor: null, rest: null });
  expect(moreOf(older)).toBe("");
});
