import { expect, test } from "vitest";
import { rankingTokens } from "./estimate/rerank.ts";
import { rerankDocument } from "./rerank-document.ts";

test.each<[unknown, string[], unknown]>([
  ["a", [], { text: "a" }],
  ["", [], undefined],
  ["a", ["title"], { text: "a" }],
  [{ text: "a", title: "b" }, [], { text: "a" }],
  [{ text: "a", title: "b" }, ["title", "text"], { text: "title: b\ntext: a" }],
  [{ text: "a", year: 1999, ok: true, by: null }, ["year", "by", "ok"], { text: "year: 1999\nok: true" }],
  [{ text: "a" }, ["title"], undefined],
  [{ text: "" }, [], undefined],
  [{ text: "", image: "https://a.example/b.png" }, [], { image: "https://a.example/b.png" }],
  [{ text: 5 }, [], undefined],
  [{}, ["constructor", "__proto__"], undefined],
  [null, [], undefined],
  [7, [], undefined],
  [["a"], [], undefined],
])("of %j by %j is ranked %j", (given, fields, document) => {
  expect(rerankDocument(given, fields)).toEqual(document);
});

test("a query is counted once for each document", () => {
  expect(rankingTokens("abcdefgh", [{ text: "abcd" }, { text: "abcd" }])).toBe(2 * 2 + 2);
  expect(rankingTokens("abcd", [{ image: "https://a.example/b.png" }])).toBe(1 + 1_600);
});
