import { expect, test } from "vitest";
import { cursorOf, pageOf } from "./page.ts";

const pages = { usual: 20, most: 100 };

test.each([
  [{}, { after: 0n, limit: 20, ascending: false }],
  [
    { after: "video_17", limit: "100", order: "asc" },
    { after: 17n, limit: 100, ascending: true },
  ],
  [{ after: "17" }, { after: 17n, limit: 20, ascending: false }],
])("%j is a page", (query, expected) => {
  expect(pageOf(query, pages)).toEqual(expected);
});

test.each([
  ["after", { after: "zzz" }],
  ["after", { after: "" }],
  ["after", { after: "video_" }],
  ["after", { after: ["1", "2"] }],
  ["limit", { limit: "0" }],
  ["limit", { limit: "101" }],
  ["limit", { limit: "many" }],
  ["order", { order: "ASC" }],
])("%s is told where %j has it wrong", (param, query) => {
  expect(() => pageOf(query, pages)).toThrow(expect.objectContaining({ code: "invalid_value", param }));
});

test("a cursor is told by the name that its list has for it", () => {
  expect(cursorOf(undefined, "before_id")).toBeUndefined();
  expect(cursorOf("msgbatch_9", "before_id")).toBe(9n);
  expect(() => cursorOf("x", "before_id")).toThrow(expect.objectContaining({ param: "before_id" }));
});
