import fc from "fast-check";
import { expect, test } from "vitest";
import { shorten } from "./shorten.ts";

test.each([
  ["short", "short"],
  ["0123456789", "0123456789"],
  ["0123456789a", "012345678…"],
  ["a\r\nb\0c", "a  b c"],
  ["01234567😀z", "01234567…"],
  ["\ud800x", "\ufffdx"],
])("%j becomes %j", (given, expected) => {
  expect(shorten(given, 10)).toBe(expected);
});

test("whatever the text, it is short, whole characters and one line", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary", maxLength: 40 }), fc.integer({ min: 1, max: 30 }), (text, max) => {
      const short = shorten(text, max);
      expect(short.length).toBeLessThanOrEqual(max);
      expect(short.isWellFormed()).toBe(true);
      expect(short).not.toMatch(/\p{Cc}/u);
    }),
  );
});
