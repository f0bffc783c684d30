import fc from "fast-check";
import { expect, test } from "vitest";
import { createFormats } from "./format.ts";

const formats = createFormats("en-US", "just now");

test.each([
  ["0", "$0.00"],
  ["1234567.891", "$1,234,567.89"],
  ["12.5", "$12.50"],
  ["0.0003675", "$0.0003675"],
  ["0.000000001", "$0.000000001"],
  ["0.123456789", "$0.1234"],
  ["-2.5", "−$2.50"],
  ["-0", "$0.00"],
])("%s is written as %s", (amount, text) => expect(formats.usd(amount)).toBe(text));

test.each([
  [0, "0 ms"],
  [0.41, "0.41 ms"],
  [13.2, "13 ms"],
  [1_240, "1.24 s"],
  [59_940, "59.9 s"],
  [125_000, "2:05 min"],
  [7_260_000, "2:01 h"],
  [345_600_000, "4 d"],
])("%s ms are written as %s", (ms, text) => expect(formats.duration(ms)).toBe(text));

test("how long ago never says more than was, and is one text for each moment", () => {
  const now = Date.parse("2026-11-30T12:00:00Z");
  expect(formats.relative(now - 3_000, now)).toBe("just now");
  expect(formats.relative("2026-11-30T11:58:30Z", now)).toBe("1 min. ago");
  expect(formats.relative("2026-11-30T09:00:00Z", now)).toBe("3 hr. ago");
  expect(formats.relative("2025-11-20T09:00:00Z", now)).toBe("1 yr. ago");
  for (const days of [360, 364.9]) expect(formats.relative(now - days * 86_400_000, now)).toBe("12 mo. ago");
  fc.assert(
    fc.property(fc.integer({ min: 5_000, max: 1e12 }), (agoMs) => {
      const text = formats.relative(now - agoMs, now);
      expect(text).toMatch(/^\d+ \w+\.? ago$/);
      expect(Number.parseInt(text, 10)).toBeGreaterThan(0);
    }),
  );
});
