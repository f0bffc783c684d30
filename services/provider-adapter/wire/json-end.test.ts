import fc from "fast-check";
import { expect, test } from "vitest";
import { createJsonEnd } from "./json-end.ts";

test("a text is whole when its last piece has come, and not before, however it is cut", () => {
  const value = fc.oneof(fc.dictionary(fc.string(), fc.jsonValue()), fc.array(fc.jsonValue()), fc.string());
  fc.assert(
    fc.property(value, fc.array(fc.nat({ max: 8 })), (given, cuts) => {
      const text = JSON.stringify(given);
      const pieces: string[] = [];
      const isWhole = createJsonEnd(pieces);
      let at = 0;
      for (const cut of [...cuts, text.length]) {
        expect(isWhole()).toBe(at === text.length);
        pieces.push(text.slice(at, at + cut));
        at = Math.min(text.length, at + cut);
      }
      expect(isWhole()).toBe(true);
    }),
  );
});

test.each([[""], ["12"], ["{}{}"], ["{} x"], ["{a}"], ["]"], ["{]"]])("%j is not whole", (text) => {
  expect(createJsonEnd([text])()).toBe(false);
});
