import fc from "fast-check";
import { expect, test } from "vitest";
import { seriesCursor, toSeriesCursor } from "./series-cursor.ts";

const after = fc.record({
  group: fc.string({ unit: "binary", maxLength: 200 }).filter((text) => text.isWellFormed() && !text.includes("\0")),
  other: fc.boolean(),
});

test("a cursor of a series leads to where the page ended", () => {
  const property = fc.property(
    fc.bigInt({ min: 1n, max: 4_102_444_800_000n }),
    fc.option(after, { nil: undefined }),
    (nextFromUnixMs, nextAfter) => {
      const cursor = toSeriesCursor({ nextFromUnixMs, nextAfter });
      expect(seriesCursor.parse(cursor)).toEqual({
        from: nextFromUnixMs,
        ...(nextAfter === undefined ? {} : { after: nextAfter }),
      });
    },
  );
  fc.assert(property);
  expect(toSeriesCursor({ nextFromUnixMs: 0n })).toBeNull();
});

test.each([
  "",
  "yesterday",
  "~n",
  "2026-11-30T00:00:00Z~",
  "2026-11-30T00:00:00Z~x",
  "2026-11-30T00:00:00Z~n!",
  "2026-11-30T00:00:00Z~nAA",
])("another text is refused: %j", (text) => {
  expect(seriesCursor.safeParse(text)).toMatchObject({ success: false });
});

test("a time alone is a cursor, as it was before pages ended within steps", () => {
  expect(seriesCursor.parse("2026-11-30T00:00:00Z")).toEqual({ from: BigInt(Date.parse("2026-11-30T00:00:00Z")) });
});
